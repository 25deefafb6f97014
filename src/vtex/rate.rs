//! What the headers of an answer say about the request budget.

use std::time::{Duration, SystemTime};

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

use crate::core::call::RateHint;

/// Longer waits than this are taken for something else, such as a point in time (`X-RateLimit-Reset` is
/// one in many APIs): nobody refills a budget for longer than a day.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Reads `Retry-After` (seconds or an HTTP date) and the counters of VTEX Pricing in both spellings,
/// `Ratelimit-*` (OpenAPI file) and `X-RateLimit-*`. What cannot be read is left out.
///
/// An HTTP date counts from the answer's own `Date`, so that a wrong clock here does not matter, and from
/// `now` when there is none.
pub fn hint(headers: &HeaderMap, now: SystemTime) -> RateHint {
    let either = |short: &str, long: &str| text(headers, short).or_else(|| text(headers, long));
    RateHint {
        retry_after: text(headers, RETRY_AFTER.as_str())
            .and_then(|value| seconds(value).or_else(|| until(value, headers, now))),
        remaining: either("ratelimit-remaining", "x-ratelimit-remaining").and_then(count),
        limit: either("ratelimit-limit", "x-ratelimit-limit").and_then(count),
        reset: either("ratelimit-reset", "x-ratelimit-reset").and_then(seconds),
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn count(text: &str) -> Option<u32> {
    text.parse().ok()
}

fn seconds(text: &str) -> Option<Duration> {
    let duration = Duration::try_from_secs_f64(text.parse().ok()?).ok()?;
    (duration <= LONGEST).then_some(duration)
}

fn until(date: &str, headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let sent = text(headers, DATE.as_str()).and_then(instant);
    let start = sent.or_else(|| jiff::Timestamp::try_from(now).ok())?;
    let wait = instant(date)?.duration_since(start);
    Some(Duration::try_from(wait).unwrap_or(Duration::ZERO).min(LONGEST))
}

/// An HTTP date (RFC 9110) is a date of RFC 2822 whose zone is `GMT`.
fn instant(date: &str) -> Option<jiff::Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).ok()
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    /// 1994-11-06 08:49:37 UTC, the moment of RFC 9110's example.
    const NOW: u64 = 784_111_777;

    fn read(headers: &[(&'static str, &'static str)]) -> RateHint {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        hint(&headers.collect(), SystemTime::UNIX_EPOCH + Duration::from_secs(NOW))
    }

    #[test]
    fn both_spellings_of_the_counters_are_read() {
        let expected = RateHint {
            retry_after: Some(Duration::from_secs(7)),
            remaining: Some(12),
            limit: Some(500),
            reset: Some(Duration::from_secs(30)),
        };
        let short = [
            ("retry-after", "7"),
            ("ratelimit-remaining", "12"),
            ("ratelimit-limit", "500"),
            ("ratelimit-reset", "30"),
        ];
        let long = [
            ("retry-after", " 7 "),
            ("x-ratelimit-remaining", "12"),
            ("x-ratelimit-limit", "500"),
            ("x-ratelimit-reset", "30"),
        ];
        assert_eq!(read(&short), expected);
        assert_eq!(read(&long), expected);
    }

    #[test]
    fn a_date_counts_from_the_date_of_the_answer() {
        let at = ("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT");
        assert_eq!(read(&[at]).retry_after, Some(Duration::from_secs(60)));
        let sent = ("date", "Sun, 06 Nov 1994 08:50:30 GMT");
        assert_eq!(read(&[at, sent]).retry_after, Some(Duration::from_secs(7)));
        let later = ("date", "Sun, 06 Nov 1994 09:00:00 GMT");
        assert_eq!(read(&[at, later]).retry_after, Some(Duration::ZERO));
    }

    #[test]
    fn what_cannot_be_read_is_left_out() {
        let nonsense = [
            ("retry-after", "soon"),
            ("ratelimit-remaining", "-1"),
            ("ratelimit-limit", "many"),
            ("x-ratelimit-reset", "1700000000"),
        ];
        assert_eq!(read(&nonsense), RateHint::default());
    }
}
