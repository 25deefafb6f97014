//! What an answer to a message means, as a table.

use std::time::Duration;

use super::{Message, Patience};
use crate::core::time::Timestamp;

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Answered {
        status: u16,
        retry_after: Option<Duration>,
    },
    /// No connection, no answer in time, or a broken one. For people.
    Unanswered(String),
    /// It was not sent: what has to be known for it cannot be read now. For people.
    NotReady(String),
    /// It was not sent, and waiting does not help. For people.
    Unfit(String),
}

/// What follows for the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Delivered,
    Again {
        at: Timestamp,
        what: String,
    },
    /// Not any more, until somebody says so.
    Park(String),
}

/// What follows for the webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It answers.
    Works,
    Fails,
    /// It does not know us (any more).
    Refuses,
    /// It wants fewer requests.
    Throttles,
    /// It was not asked.
    Unknown,
}

/// Longer pauses are not taken from a receiver.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);

/// `Retry-After`, as seconds or as a moment.
pub fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let moment = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(now.until(Timestamp(moment.as_microsecond())))
}

/// Judges an attempt that has just ended. `random`: 0 to 1.
pub fn judge(
    message: &Message,
    outcome: &Outcome,
    patience: Patience,
    now: Timestamp,
    random: f64,
) -> (Verdict, Health) {
    let (what, health, asked) = match outcome {
        Outcome::Answered { status: 200..=299, .. } => return (Verdict::Delivered, Health::Works),
        Outcome::Answered { status, retry_after } => {
            let asked = retry_after.map(|pause| pause.min(RETRY_AFTER_MAX));
            let what = format!("status {status}");
            match status {
                429 => (what, Health::Throttles, asked),
                500..=599 => (what, Health::Fails, asked),
                401 | 403 | 407 => (what, Health::Refuses, asked),
                // Busy with it, or with the attempt before.
                408 | 409 | 425 => (what, Health::Works, asked),
                300..=399 => {
                    let why = format!("{what}: the webhook leads elsewhere, correct its url");
                    return (Verdict::Park(why), Health::Works);
                }
                404 | 405 | 410 => {
                    let why = format!("{what}: is the url right? `mare messages retry` sends it again");
                    return (Verdict::Park(why), Health::Works);
                }
                _ => {
                    let why = format!("{what}: refused as it is, correct the template or the receiver");
                    return (Verdict::Park(why), Health::Works);
                }
            }
        }
        Outcome::Unanswered(why) => (why.clone(), Health::Fails, None),
        Outcome::NotReady(why) => (why.clone(), Health::Unknown, None),
        Outcome::Unfit(why) => return (Verdict::Park(why.clone()), Health::Unknown),
    };
    if message.created.until(now) >= patience.expires_after {
        let hours = patience.expires_after.as_secs() / 3_600;
        return (Verdict::Park(format!("not delivered within {hours} hours: {what}")), health);
    }
    let pause = patience.backoff.delay(message.attempts.saturating_add(1), random);
    // Two that were told the same must not come back together.
    let pause = asked.map_or(pause, |asked| asked.max(pause).max(asked + pause.mul_f64(0.5)));
    (Verdict::Again { at: now.plus(pause), what }, health)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::message;
    use super::*;
    use crate::core::backoff::Backoff;

    const PATIENCE: Patience = Patience {
        backoff: Backoff { base: Duration::from_secs(1), max: Duration::from_secs(300) },
        expires_after: Duration::from_secs(48 * 3_600),
    };

    fn answered(status: u16) -> Outcome {
        Outcome::Answered { status, retry_after: None }
    }

    #[test]
    fn every_answer_has_its_verdict() {
        let table = [
            (200, "delivered", Health::Works),
            (202, "delivered", Health::Works),
            (204, "delivered", Health::Works),
            (301, "parked", Health::Works),
            (400, "parked", Health::Works),
            (401, "again", Health::Refuses),
            (403, "again", Health::Refuses),
            (404, "parked", Health::Works),
            (408, "again", Health::Works),
            (409, "again", Health::Works),
            (410, "parked", Health::Works),
            (413, "parked", Health::Works),
            (422, "parked", Health::Works),
            (425, "again", Health::Works),
            (429, "again", Health::Throttles),
            (500, "again", Health::Fails),
            (503, "again", Health::Fails),
        ];
        for (status, expected, health) in table {
            let (verdict, found) =
                judge(&message("1", None, "x"), &answered(status), PATIENCE, Timestamp(0), 0.5);
            let name = match verdict {
                Verdict::Delivered => "delivered",
                Verdict::Again { .. } => "again",
                Verdict::Park(_) => "parked",
            };
            assert_eq!((name, found), (expected, health), "{status}");
        }
        let unanswered = Outcome::Unanswered("no answer in time".to_owned());
        let (verdict, health) = judge(&message("1", None, "x"), &unanswered, PATIENCE, Timestamp(0), 1.0);
        assert_eq!(
            verdict,
            Verdict::Again { at: Timestamp(1_000_000), what: "no answer in time".to_owned() }
        );
        assert_eq!(health, Health::Fails);
    }

    #[test]
    fn a_receiver_that_asks_for_time_gets_it_and_not_for_ever() {
        let asked =
            |seconds| Outcome::Answered { status: 503, retry_after: Some(Duration::from_secs(seconds)) };
        let again_at =
            |outcome: &Outcome| match judge(&message("1", None, "x"), outcome, PATIENCE, Timestamp(0), 0.0).0
            {
                Verdict::Again { at, .. } => at.0 / 1_000_000,
                other => panic!("{other:?}"),
            };
        assert_eq!(again_at(&asked(30)), 30);
        assert_eq!(again_at(&asked(1_000_000)), 3_600);
        let late = Timestamp(PATIENCE.expires_after.as_micros() as i64);
        let (verdict, _) = judge(&message("1", None, "x"), &answered(500), PATIENCE, late, 0.0);
        assert_eq!(verdict, Verdict::Park("not delivered within 48 hours: status 500".to_owned()));
    }

    #[test]
    fn time_is_asked_for_in_seconds_or_by_a_moment() {
        let now = Timestamp(784_111_777_000_000); // Sun, 06 Nov 1994 08:49:37 GMT
        assert_eq!(retry_after(" 30 ", now), Some(Duration::from_secs(30)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:50:37 GMT", now), Some(Duration::from_secs(60)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:40:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", now), None);
    }

    proptest! {
        #[test]
        fn a_message_is_delivered_parked_or_tried_later_and_never_forgotten(
            status in 100_u16..1_000,
            retry_after in proptest::option::of(0_u64..1_000_000),
            attempts in any::<u32>(),
            now in 0_i64..1_000_000_000_000,
            random in any::<f64>(),
        ) {
            let outcome = Outcome::Answered { status, retry_after: retry_after.map(Duration::from_secs) };
            let message = Message { attempts, ..message("1", None, "x") };
            match judge(&message, &outcome, PATIENCE, Timestamp(now), random).0 {
                Verdict::Delivered => prop_assert!((200..300).contains(&status)),
                Verdict::Again { at, .. } => prop_assert!(at > Timestamp(now)),
                Verdict::Park(why) => prop_assert!(!why.is_empty()),
            }
        }
    }
}
