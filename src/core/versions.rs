//! Where Live itself numbers its changes: which of them have been read, and when that is not enough.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::time::Timestamp;

/// A number that Live gave to changes, ascending: of change tracking in the order of commits, of `rowversion`
/// columns in the order of writing.
pub type Version = i64;

/// Up to which version each table has been read. Stored in the commit that holds what was read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Marks(BTreeMap<String, Version>);

impl Marks {
    /// All of them read up to the same version.
    pub fn all<'a>(tables: impl IntoIterator<Item = &'a str>, version: Version) -> Self {
        Self(tables.into_iter().map(|table| (table.to_owned(), version)).collect())
    }

    pub fn of(&self, table: &str) -> Option<Version> {
        self.0.get(table).copied()
    }

    pub fn set(&mut self, table: &str, version: Version) {
        match self.0.get_mut(table) {
            Some(mark) => *mark = version,
            None => drop(self.0.insert(table.to_owned(), version)),
        }
    }

    /// Nothing is known of this table any more.
    pub fn forget(&mut self, table: &str) {
        self.0.remove(table);
    }
}

/// What a round does with one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stretch {
    /// There is nothing new.
    UpToDate,
    /// Changes above `after` are read, up to and including `upto`.
    Read { after: Version, upto: Version },
    /// What changed is no longer all known: the table is compared, and followed from `upto` on.
    Compare(Gap),
    /// Its changes are not kept. What is missed meanwhile is compared when they are again.
    NotKept,
}

/// Why changes of a table are not all known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// It was not read before, or its changes were not kept for a while.
    New,
    /// Live has cleaned up what had not been read yet, or the table was emptied (TRUNCATE).
    Expired,
    /// Live counts lower than before: it was restored from a backup.
    Backwards,
}

impl Gap {
    pub const fn reason(self) -> &'static str {
        match self {
            Self::New => "changes of a table are followed from now on",
            Self::Expired => "Live no longer has the changes of a table, or it was emptied",
            Self::Backwards => "Live was restored from a backup",
        }
    }
}

/// Which changes of a table a round reads. `mark`: up to where it was read; `minimum`: from which mark on all
/// changes are still there, none when they are not kept at all; `upto`: the version of the round.
pub const fn stretch(mark: Option<Version>, minimum: Option<Version>, upto: Version) -> Stretch {
    let Some(minimum) = minimum else { return Stretch::NotKept };
    match mark {
        None => Stretch::Compare(Gap::New),
        Some(mark) if mark > upto => Stretch::Compare(Gap::Backwards),
        Some(mark) if mark < minimum => Stretch::Compare(Gap::Expired),
        Some(mark) if mark == upto => Stretch::UpToDate,
        Some(after) => Stretch::Read { after, upto },
    }
}

/// When everything is compared although nothing is known to be missing.
#[derive(Debug, Clone, PartialEq)]
pub enum CompareSchedule {
    /// So many hours after the last time.
    EveryHours(u16),
    /// At this hour of the day (0 to 23), where Live is.
    DailyAt { hour: i8, zone: jiff::tz::TimeZone },
}

impl CompareSchedule {
    /// Whether it is time. `last`: when it was last begun; none counts as long ago.
    ///
    /// A time that passed while nobody looked is made up for once. An hour that a change of clocks leaves out begins
    /// with the next one; one that comes twice counts once.
    pub fn is_due(&self, last: Option<Timestamp>, now: Timestamp) -> bool {
        let Some(last) = last else { return true };
        match self {
            Self::EveryHours(hours) => last.until(now).as_secs() >= u64::from(*hours).max(1) * 3_600,
            Self::DailyAt { hour, zone } => latest(*hour, zone, now).is_some_and(|latest| last < latest),
        }
    }
}

/// The last time before or at `now` that the clock showed this hour.
fn latest(hour: i8, zone: &jiff::tz::TimeZone, now: Timestamp) -> Option<Timestamp> {
    let local = zone.to_datetime(jiff::Timestamp::from_microsecond(now.0).ok()?);
    let at = |date: jiff::civil::Date| {
        let moment = zone.to_timestamp(date.at(hour.clamp(0, 23), 0, 0, 0)).ok()?;
        Some(Timestamp(moment.as_microsecond()))
    };
    let today = at(local.date())?;
    if today <= now { Some(today) } else { at(local.date().yesterday().ok()?) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_reads_what_is_new_and_compares_what_is_lost() {
        // mark, minimum, upto
        let table = [
            ((Some(5), Some(0), 5), Stretch::UpToDate),
            ((Some(5), Some(5), 9), Stretch::Read { after: 5, upto: 9 }),
            ((Some(4), Some(5), 9), Stretch::Compare(Gap::Expired)),
            ((Some(4), Some(5), 4), Stretch::Compare(Gap::Expired)),
            ((Some(9), Some(0), 5), Stretch::Compare(Gap::Backwards)),
            ((None, Some(0), 5), Stretch::Compare(Gap::New)),
            ((Some(5), None, 9), Stretch::NotKept),
            ((None, None, 9), Stretch::NotKept),
        ];
        for ((mark, minimum, upto), expected) in table {
            assert_eq!(stretch(mark, minimum, upto), expected, "{mark:?} {minimum:?} {upto}");
        }
    }

    fn moment(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
    }

    #[test]
    fn everything_is_compared_once_a_day_at_the_hour_of_live() {
        let zone = jiff::tz::TimeZone::get("America/Sao_Paulo").unwrap();
        let daily = CompareSchedule::DailyAt { hour: 3, zone };
        // Three in the morning there is six in UTC.
        for (last, now, due) in [
            ("2026-05-10T06:00:00Z", "2026-05-10T06:00:01Z", false),
            ("2026-05-10T05:59:59Z", "2026-05-10T06:00:00Z", true),
            ("2026-05-10T06:00:00Z", "2026-05-11T05:59:59Z", false),
            ("2026-05-10T06:00:00Z", "2026-05-11T06:00:00Z", true),
            ("2026-05-01T06:00:00Z", "2026-05-11T01:00:00Z", true),
            ("2026-05-12T06:00:00Z", "2026-05-11T07:00:00Z", false),
        ] {
            assert_eq!(daily.is_due(Some(moment(last)), moment(now)), due, "{last} {now}");
        }
        assert!(daily.is_due(None, moment("2026-05-10T01:00:00Z")));
        let hours = CompareSchedule::EveryHours(6);
        assert!(!hours.is_due(Some(moment("2026-05-10T00:00:00Z")), moment("2026-05-10T05:59:59Z")));
        assert!(hours.is_due(Some(moment("2026-05-10T00:00:00Z")), moment("2026-05-10T06:00:00Z")));
    }
}
