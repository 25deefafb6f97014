//! The driver's values into the text form of Postgres's types. Total over whatever the driver can give.

use std::io::Write as _;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{TimeZone, offset};
use tiberius::ColumnData;
use tiberius::numeric::Numeric;
use tiberius::time as wire;

use super::column::ColumnProblem;

/// Largest value that is taken over. Nothing that VTEX takes comes near; a larger one is an accident.
const VALUE_BYTES_MAX: usize = 64 << 20;
const NANOS_PER_DAY: u64 = 86_400_000_000_000;

/// What was appended for a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Appended {
    Null,
    Text,
    Binary,
}

/// Appends the value to `out`. After an error `out` may hold a part of it.
pub(super) fn append(
    value: &ColumnData<'_>,
    zone: &TimeZone,
    out: &mut Vec<u8>,
) -> Result<Appended, ColumnProblem> {
    use ColumnData as D;
    /// Ends with `Null` for null, else goes on with the value.
    macro_rules! present {
        ($value:expr) => {
            match $value {
                Some(value) => value,
                None => return Ok(Appended::Null),
            }
        };
    }
    match value {
        D::U8(value) => text(out, present!(value)),
        D::I16(value) => text(out, present!(value)),
        D::I32(value) => text(out, present!(value)),
        D::I64(value) => text(out, present!(value)),
        D::F32(value) => text(out, present!(value)),
        D::F64(value) => text(out, present!(value)),
        D::Bit(value) => out.push(if *present!(value) { b't' } else { b'f' }),
        D::String(value) => bytes(out, present!(value).as_bytes())?,
        D::Xml(value) => bytes(out, present!(value).as_ref().as_ref().as_bytes())?,
        D::Guid(value) => text(out, &present!(value).as_hyphenated()),
        D::Binary(value) => {
            bytes(out, present!(value))?;
            return Ok(Appended::Binary);
        }
        D::Numeric(value) => numeric(out, *present!(value)),
        D::Date(value) => text(out, &date(i64::from(present!(value).days()), YEAR_1)?),
        D::Time(value) => text(out, &time(*present!(value))?),
        D::DateTime(value) => moment(out, datetime(*present!(value))?, zone)?,
        D::SmallDateTime(value) => moment(out, smalldatetime(*present!(value))?, zone)?,
        D::DateTime2(value) => moment(out, datetime2(*present!(value))?, zone)?,
        // The driver gives the moment in UTC; the offset is only how it was written.
        D::DateTimeOffset(value) => moment(out, datetime2(present!(value).datetime2())?, &TimeZone::UTC)?,
    }
    Ok(Appended::Text)
}

fn text(out: &mut Vec<u8>, value: &impl std::fmt::Display) {
    // Writing into a vector cannot fail.
    let _ = write!(out, "{value}");
}

fn bytes(out: &mut Vec<u8>, value: &[u8]) -> Result<(), ColumnProblem> {
    if value.len() > VALUE_BYTES_MAX {
        return Err(ColumnProblem::TooLarge);
    }
    out.extend_from_slice(value);
    Ok(())
}

/// All digits, the point where the scale wants it.
fn numeric(out: &mut Vec<u8>, value: Numeric) {
    if value.value() < 0 {
        out.push(b'-');
    }
    let scale = usize::from(value.scale());
    // A digit before the point, even when it is 0.
    let width = scale + 1;
    let start = out.len();
    text(out, &format_args!("{:0width$}", value.value().unsigned_abs()));
    if scale > 0 {
        let point = out.len().saturating_sub(scale).max(start);
        out.insert(point, b'.');
    }
}

/// Where `date` and `datetime2` count days from.
const YEAR_1: Date = jiff::civil::date(1, 1, 1);
/// Where `datetime` and `smalldatetime` count days from.
const YEAR_1900: Date = jiff::civil::date(1900, 1, 1);

fn date(days: i64, from: Date) -> Result<Date, ColumnProblem> {
    jiff::Span::new()
        .try_days(days)
        .and_then(|span| from.checked_add(span))
        .ok()
        .filter(|date| *date >= YEAR_1)
        .ok_or(ColumnProblem::TimeOutOfRange)
}

fn time_of_nanos(nanos: u64) -> Result<Time, ColumnProblem> {
    let nanos = i64::try_from(nanos).ok().filter(|nanos| *nanos < NANOS_PER_DAY.cast_signed());
    let span = jiff::SignedDuration::from_nanos(nanos.ok_or(ColumnProblem::TimeOutOfRange)?);
    Time::midnight().checked_add(span).map_err(|_| ColumnProblem::TimeOutOfRange)
}

fn time(value: wire::Time) -> Result<Time, ColumnProblem> {
    let unit = 9_u32
        .checked_sub(value.scale().into())
        .map(|power| 10_u64.pow(power))
        .ok_or(ColumnProblem::TimeOutOfRange)?;
    time_of_nanos(value.increments().checked_mul(unit).ok_or(ColumnProblem::TimeOutOfRange)?)
}

fn datetime2(value: wire::DateTime2) -> Result<DateTime, ColumnProblem> {
    Ok(date(value.date().days().into(), YEAR_1)?.to_datetime(time(value.time())?))
}

/// Ticks of 1/300 s, rounded to the millisecond that SQL Server shows: .003, .007, .010.
fn datetime(value: wire::DateTime) -> Result<DateTime, ColumnProblem> {
    let millis = (u64::from(value.seconds_fragments()) * 10 + 1) / 3;
    Ok(date(value.days().into(), YEAR_1900)?.to_datetime(time_of_nanos(millis * 1_000_000)?))
}

/// Whole minutes.
fn smalldatetime(value: wire::SmallDateTime) -> Result<DateTime, ColumnProblem> {
    let nanos = u64::from(value.seconds_fragments()) * 60_000_000_000;
    Ok(date(value.days().into(), YEAR_1900)?.to_datetime(time_of_nanos(nanos)?))
}

/// A local time as the moment it means, in UTC.
///
/// An hour that exists twice (the end of summer time) counts as the first of both; a time that was skipped (its
/// beginning) counts as much later as the gap is long. The last two days of year 9999, which stand for "never" and have
/// no moment in UTC that can be computed with, are `infinity`.
fn moment(out: &mut Vec<u8>, local: DateTime, zone: &TimeZone) -> Result<(), ColumnProblem> {
    match zone.to_ambiguous_timestamp(local).compatible() {
        Ok(moment) => write_moment(out, moment),
        Err(_) if local.year() == 9999 => out.extend_from_slice(b"infinity"),
        Err(_) => return Err(ColumnProblem::TimeOutOfRange),
    }
    Ok(())
}

fn write_moment(out: &mut Vec<u8>, moment: Timestamp) {
    let utc = offset(0).to_datetime(moment);
    let (date, time) = (utc.date(), utc.time());
    text(out, &format_args!("{date} {time}+00"));
}

/// The local time of a moment, as SQL Server reads it into a `datetime2` whatever the language of the login is.
pub(super) fn local_text(moment: crate::core::time::Timestamp, zone: &TimeZone) -> Option<String> {
    let moment = Timestamp::from_microsecond(moment.0).ok()?;
    Some(format!("{:.6}", zone.to_datetime(moment)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::borrow::Cow;

    use proptest::prelude::*;
    use tiberius::xml::XmlData;

    fn read(value: ColumnData<'_>, zone: &str) -> Result<String, ColumnProblem> {
        let mut out = Vec::new();
        let zone = TimeZone::get(zone).unwrap();
        match append(&value, &zone, &mut out)? {
            Appended::Null => Ok("null".to_owned()),
            Appended::Text | Appended::Binary => Ok(String::from_utf8(out).unwrap()),
        }
    }

    fn local(date: Date, nanos: u64) -> ColumnData<'static> {
        let days = YEAR_1.until(date).unwrap().get_days();
        let time = wire::Time::new(nanos / 100, 7);
        ColumnData::DateTime2(Some(wire::DateTime2::new(wire::Date::new(days as u32), time)))
    }

    const SAO_PAULO: &str = "America/Sao_Paulo";
    const HOUR: u64 = 3_600_000_000_000;

    #[test]
    fn decimals_keep_every_digit() {
        for (value, scale, text) in [
            (0, 0, "0"),
            (0, 4, "0.0000"),
            (-5, 2, "-0.05"),
            (123_456, 4, "12.3456"),
            (
                99_999_999_999_999_999_999_999_999_999_999_999_999,
                10,
                "9999999999999999999999999999.9999999999",
            ),
            (
                -99_999_999_999_999_999_999_999_999_999_999_999_999,
                38,
                "-0.99999999999999999999999999999999999999",
            ),
        ] {
            let value = ColumnData::Numeric(Some(Numeric::new_with_scale(value, scale)));
            assert_eq!(read(value, "UTC").unwrap(), text);
        }
    }

    #[test]
    fn local_times_become_moments_by_the_zone() {
        let winter = local(jiff::civil::date(2026, 7, 1), 12 * HOUR + 1_234_567_800);
        assert_eq!(read(winter.clone(), SAO_PAULO).unwrap(), "2026-07-01 15:00:01.2345678+00");
        assert_eq!(read(winter, "America/Manaus").unwrap(), "2026-07-01 16:00:01.2345678+00");
        let summer_of_2018 = local(jiff::civil::date(2018, 12, 1), 12 * HOUR);
        assert_eq!(read(summer_of_2018, SAO_PAULO).unwrap(), "2018-12-01 14:00:00+00");
    }

    #[test]
    fn the_hour_that_is_twice_is_the_first_and_the_skipped_one_moves_on() {
        // Summer time ended on 2019-02-17 at 00:00 (back to 23:00) and began on 2018-11-04 at 00:00 (on to 01:00).
        let twice = local(jiff::civil::date(2019, 2, 16), 23 * HOUR + HOUR / 2);
        assert_eq!(read(twice, SAO_PAULO).unwrap(), "2019-02-17 01:30:00+00");
        let skipped = local(jiff::civil::date(2018, 11, 4), HOUR / 2);
        assert_eq!(read(skipped, SAO_PAULO).unwrap(), "2018-11-04 03:30:00+00");
    }

    #[test]
    fn the_end_of_time_and_its_beginning_are_read() {
        let never = local(jiff::civil::date(9999, 12, 31), 0);
        assert_eq!(read(never, SAO_PAULO).unwrap(), "infinity");
        assert!(read(local(YEAR_1, 0), SAO_PAULO).unwrap().starts_with("0001-01-01 03:06:28"));
    }

    #[test]
    fn ticks_become_the_milliseconds_that_sql_server_shows() {
        for (ticks, shown) in [(299, ".997"), (1, ".003"), (2, ".007"), (3, ".01"), (300, "")] {
            let value = ColumnData::DateTime(Some(wire::DateTime::new(0, ticks)));
            let second = if ticks == 300 { "01" } else { "00" };
            assert_eq!(read(value, "UTC").unwrap(), format!("1900-01-01 00:00:{second}{shown}+00"));
        }
        let minutes = ColumnData::SmallDateTime(Some(wire::SmallDateTime::new(1, 61)));
        assert_eq!(read(minutes, "UTC").unwrap(), "1900-01-02 01:01:00+00");
    }

    #[test]
    fn an_offset_does_not_shift_the_moment() {
        let noon = wire::DateTime2::new(wire::Date::new(0), wire::Time::new(43_200, 0));
        let value = ColumnData::DateTimeOffset(Some(wire::DateTimeOffset::new(noon, -180)));
        assert_eq!(read(value, SAO_PAULO).unwrap(), "0001-01-01 12:00:00+00");
    }

    #[test]
    fn our_times_are_written_as_the_server_reads_them() {
        let zone = TimeZone::get(SAO_PAULO).unwrap();
        let moment = crate::core::time::Timestamp(1_782_918_000_000_001);
        assert_eq!(local_text(moment, &zone).unwrap(), "2026-07-01T12:00:00.000001");
        assert_eq!(local_text(crate::core::time::Timestamp(i64::MAX), &zone), None);
    }

    fn any_value() -> impl Strategy<Value = ColumnData<'static>> {
        let days = 0_u32..1 << 24;
        let date = days.prop_map(wire::Date::new);
        let time =
            (any::<u64>(), any::<u8>()).prop_map(|(increments, scale)| wire::Time::new(increments, scale));
        let datetime2 =
            (date.clone(), time.clone()).prop_map(|(date, time)| wire::DateTime2::new(date, time));
        prop_oneof![
            any::<Option<u8>>().prop_map(ColumnData::U8),
            any::<Option<i16>>().prop_map(ColumnData::I16),
            any::<Option<i32>>().prop_map(ColumnData::I32),
            any::<Option<i64>>().prop_map(ColumnData::I64),
            any::<Option<f32>>().prop_map(ColumnData::F32),
            any::<Option<f64>>().prop_map(ColumnData::F64),
            any::<Option<bool>>().prop_map(ColumnData::Bit),
            any::<Option<String>>().prop_map(|value| ColumnData::String(value.map(Cow::Owned))),
            any::<Option<u128>>().prop_map(|value| ColumnData::Guid(value.map(uuid::Uuid::from_u128))),
            any::<Option<Vec<u8>>>().prop_map(|value| ColumnData::Binary(value.map(Cow::Owned))),
            (any::<i128>(), 0_u8..=38)
                .prop_map(|(value, scale)| ColumnData::Numeric(Some(Numeric::new_with_scale(value, scale)))),
            any::<String>().prop_map(|value| ColumnData::Xml(Some(Cow::Owned(XmlData::new(value))))),
            (any::<i32>(), any::<u32>())
                .prop_map(|(days, ticks)| ColumnData::DateTime(Some(wire::DateTime::new(days, ticks)))),
            (any::<u16>(), any::<u16>()).prop_map(|(days, minutes)| ColumnData::SmallDateTime(Some(
                wire::SmallDateTime::new(days, minutes)
            ))),
            time.prop_map(|time| ColumnData::Time(Some(time))),
            date.prop_map(|date| ColumnData::Date(Some(date))),
            datetime2.clone().prop_map(|value| ColumnData::DateTime2(Some(value))),
            (datetime2, any::<i16>()).prop_map(|(value, offset)| ColumnData::DateTimeOffset(Some(
                wire::DateTimeOffset::new(value, offset)
            ))),
        ]
    }

    proptest! {
        #[test]
        fn whatever_the_driver_gives_is_read_or_refused(value in any_value()) {
            for zone in [SAO_PAULO, "Pacific/Kiritimati", "Etc/GMT+12"] {
                let mut out = b"before".to_vec();
                let appended = append(&value, &TimeZone::get(zone).unwrap(), &mut out);
                prop_assert!(out.starts_with(b"before"));
                prop_assert!(appended != Ok(Appended::Null) || out.len() == 6);
            }
        }

        #[test]
        fn a_decimal_reads_back_as_itself(value in any::<i128>(), scale in 0_u8..=38) {
            let text = read(ColumnData::Numeric(Some(Numeric::new_with_scale(value, scale))), "UTC").unwrap();
            let digits: String = text.chars().filter(|digit| *digit != '.').collect();
            // i128::MIN has no positive counterpart, so the sign is parsed along.
            prop_assert_eq!(digits.parse::<i128>().unwrap(), value);
            let decimals = text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
            prop_assert_eq!(decimals, usize::from(scale));
        }

        #[test]
        fn a_moment_written_and_read_is_the_same(micros in -60_000_000_000_000_000_i64..200_000_000_000_000_000) {
            let zone = TimeZone::get("UTC").unwrap();
            let text = local_text(crate::core::time::Timestamp(micros), &zone).unwrap();
            let civil: DateTime = text.parse().unwrap();
            let nanos = civil.time().duration_since(Time::midnight()).as_nanos() as u64;
            prop_assert_eq!(read(local(civil.date(), nanos), "UTC").unwrap().parse::<Timestamp>().map_err(|_| ()),
                Ok(Timestamp::from_microsecond(micros).unwrap()));
        }
    }
}
