//! Typed readers of cells, in the text and the binary form of Postgres's types. Total over any bytes.

use std::fmt;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::core::money::Decimal4;
use crate::core::row::Cell;
use crate::core::time::Timestamp;

/// Type OIDs of Postgres (`pg_type.dat`).
pub mod oid {
    pub const BOOL: u32 = 16;
    pub const INT8: u32 = 20;
    pub const INT2: u32 = 21;
    pub const INT4: u32 = 23;
    pub const TEXT: u32 = 25;
    pub const BPCHAR: u32 = 1042;
    pub const VARCHAR: u32 = 1043;
    pub const DATE: u32 = 1082;
    pub const TIMESTAMP: u32 = 1114;
    pub const TIMESTAMPTZ: u32 = 1184;
    pub const NUMERIC: u32 = 1700;
    pub const UUID: u32 = 2950;
}

/// A cell that cannot be read as wanted. Never holds the value: it may be personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CellError {
    #[error("the value was not sent (large and unchanged)")]
    Unchanged,
    #[error("the value is no {0}")]
    NotA(&'static str),
    #[error("the number is too large")]
    TooLarge,
    #[error("the value is missing")]
    Missing,
}

/// The identity of a row: what its table is keyed by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RowId {
    Uuid(u128),
    Int(i64),
    Text(CompactString),
}

impl RowId {
    /// An id that was kept as its text.
    pub fn from_text(text: &str) -> Self {
        match (uuid::Uuid::try_parse(text), text.parse()) {
            (Ok(id), _) => Self::Uuid(id.as_u128()),
            (_, Ok(number)) => Self::Int(number),
            _ => Self::Text(text.into()),
        }
    }

    /// Bytes for a stored key; no id's bytes begin with those of another of its kind, text is ended by 0.
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Uuid(value) => [&[1][..], &value.to_be_bytes()].concat(),
            Self::Int(value) => [&[2][..], &value.to_be_bytes()].concat(),
            Self::Text(text) => [&[3][..], text.as_bytes(), &[0]].concat(),
        }
    }
}

impl fmt::Display for RowId {
    /// As Postgres reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uuid(value) => uuid::Uuid::from_u128(*value).hyphenated().fmt(f),
            Self::Int(value) => value.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, CellError> {
    std::str::from_utf8(bytes).map_err(|_| CellError::NotA("UTF-8 text"))
}

fn array<const N: usize>(bytes: &[u8], what: &'static str) -> Result<[u8; N], CellError> {
    bytes.try_into().map_err(|_| CellError::NotA(what))
}

/// `None` for null; an error for a cell that was not sent.
fn present<'a>(cell: Cell<'a>) -> Result<Option<(&'a [u8], bool)>, CellError> {
    match cell {
        Cell::Null => Ok(None),
        Cell::Unchanged => Err(CellError::Unchanged),
        Cell::Text(bytes) => Ok(Some((bytes, false))),
        Cell::Binary(bytes) => Ok(Some((bytes, true))),
    }
}

/// A row's identity: uuid and integer types as such, everything else as text without trailing spaces.
pub fn row_id(cell: Cell<'_>, type_oid: u32) -> Result<Option<RowId>, CellError> {
    let Some((bytes, binary)) = present(cell)? else { return Ok(None) };
    Ok(Some(match (type_oid, binary) {
        (oid::UUID, true) => RowId::Uuid(u128::from_be_bytes(array(bytes, "uuid")?)),
        (oid::UUID, false) => {
            RowId::Uuid(uuid::Uuid::try_parse_ascii(bytes).map_err(|_| CellError::NotA("uuid"))?.as_u128())
        }
        (oid::INT2 | oid::INT4 | oid::INT8, _) => {
            RowId::Int(integer(cell, type_oid)?.ok_or(CellError::Missing)?)
        }
        _ => RowId::Text(CompactString::new(utf8(bytes)?.trim_end())),
    }))
}

/// A whole number of any integer type.
pub fn integer(cell: Cell<'_>, type_oid: u32) -> Result<Option<i64>, CellError> {
    let Some((bytes, binary)) = present(cell)? else { return Ok(None) };
    const WHAT: &str = "whole number";
    Ok(Some(match (type_oid, binary) {
        (oid::INT2, true) => i16::from_be_bytes(array(bytes, WHAT)?).into(),
        (oid::INT4, true) => i32::from_be_bytes(array(bytes, WHAT)?).into(),
        (oid::INT8, true) => i64::from_be_bytes(array(bytes, WHAT)?),
        (oid::NUMERIC, true) => {
            let number = numeric_binary(bytes)?;
            if !number.is_whole() {
                return Err(CellError::NotA(WHAT));
            }
            number.floor()
        }
        (_, true) => return Err(CellError::NotA(WHAT)),
        (_, false) => utf8(bytes)?.parse().map_err(|_| CellError::NotA(WHAT))?,
    }))
}

/// True or false; integers count as false when zero (SQL Server's habit, and some ERPs').
pub fn boolean(cell: Cell<'_>, type_oid: u32) -> Result<Option<bool>, CellError> {
    let Some((bytes, binary)) = present(cell)? else { return Ok(None) };
    const WHAT: &str = "boolean";
    Ok(Some(match (type_oid, binary) {
        (oid::BOOL, true) => match bytes {
            [0] => false,
            [1] => true,
            _ => return Err(CellError::NotA(WHAT)),
        },
        (oid::BOOL, false) => match bytes {
            b"t" | b"true" => true,
            b"f" | b"false" => false,
            _ => return Err(CellError::NotA(WHAT)),
        },
        (oid::TEXT | oid::VARCHAR | oid::BPCHAR, _) => match utf8(bytes)?.trim_end() {
            "S" | "s" | "1" | "T" | "t" => true,
            "N" | "n" | "0" | "F" | "f" => false,
            _ => return Err(CellError::NotA(WHAT)),
        },
        _ => integer(cell, type_oid)?.ok_or(CellError::Missing)? != 0,
    }))
}

/// Text, without the padding of `char(n)`.
pub fn text(cell: Cell<'_>) -> Result<Option<CompactString>, CellError> {
    let Some((bytes, _)) = present(cell)? else { return Ok(None) };
    Ok(Some(CompactString::new(utf8(bytes)?.trim_end())))
}

/// An exact decimal with up to four decimals; further ones are cut off towards zero (Live's columns have
/// four).
pub fn decimal(cell: Cell<'_>, type_oid: u32) -> Result<Option<Decimal4>, CellError> {
    let Some((bytes, binary)) = present(cell)? else { return Ok(None) };
    match (type_oid, binary) {
        (oid::NUMERIC, true) => numeric_binary(bytes).map(Some),
        (oid::INT2 | oid::INT4 | oid::INT8, _) => {
            let whole = integer(cell, type_oid)?.ok_or(CellError::Missing)?;
            whole.checked_mul(10_000).map(|scaled| Some(Decimal4(scaled))).ok_or(CellError::TooLarge)
        }
        (_, true) => Err(CellError::NotA("decimal number")),
        (_, false) => numeric_text(utf8(bytes)?).map(Some),
    }
}

/// `numeric_send`: digits in base 10,000 (Postgres source, `numeric.c`). Four decimals are one digit.
fn numeric_binary(bytes: &[u8]) -> Result<Decimal4, CellError> {
    const WHAT: CellError = CellError::NotA("decimal number");
    let field =
        |at: usize| bytes.get(at..at + 2).and_then(|pair| pair.try_into().ok()).map(u16::from_be_bytes);
    let (Some(count), Some(weight), Some(sign)) = (field(0), field(2), field(4)) else { return Err(WHAT) };
    let weight = weight.cast_signed();
    let negative = match sign {
        0 => false,
        0x4000 => true,
        _ => return Err(CellError::NotA("finite number")),
    };
    if bytes.len() != 8 + usize::from(count) * 2 {
        return Err(WHAT);
    }
    let mut value: i64 = 0;
    // Weight 0 are the units, -1 the four decimals; what lies below is cut off.
    for position in (-1..=weight.max(-1)).rev() {
        let index = i32::from(weight) - i32::from(position);
        let digit = u16::try_from(index)
            .ok()
            .filter(|index| *index < count)
            .and_then(|index| field(8 + usize::from(index) * 2))
            .unwrap_or(0);
        if digit > 9_999 {
            return Err(WHAT);
        }
        value = value
            .checked_mul(10_000)
            .and_then(|value| value.checked_add(digit.into()))
            .ok_or(CellError::TooLarge)?;
    }
    Ok(Decimal4(if negative { -value } else { value }))
}

fn numeric_text(text: &str) -> Result<Decimal4, CellError> {
    const WHAT: CellError = CellError::NotA("decimal number");
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && decimals.is_empty()) || !all_digits(whole) || !all_digits(decimals) {
        return Err(WHAT);
    }
    let four = decimals.bytes().chain(std::iter::repeat(b'0')).take(4);
    let mut value: i64 = 0;
    for byte in whole.bytes().chain(four) {
        value = value
            .checked_mul(10)
            .and_then(|value| value.checked_add((byte - b'0').into()))
            .ok_or(CellError::TooLarge)?;
    }
    Ok(Decimal4(if negative { -value } else { value }))
}

/// A moment. Dates count from midnight UTC, `timestamp` without zone as UTC, infinity as the ends of time.
pub fn timestamp(cell: Cell<'_>, type_oid: u32) -> Result<Option<Timestamp>, CellError> {
    let Some((bytes, binary)) = present(cell)? else { return Ok(None) };
    const WHAT: &str = "time";
    if !binary {
        return timestamp_text(utf8(bytes)?).map(Some);
    }
    Ok(Some(match type_oid {
        oid::TIMESTAMP | oid::TIMESTAMPTZ => match i64::from_be_bytes(array(bytes, WHAT)?) {
            i64::MAX => Timestamp(i64::MAX),
            i64::MIN => Timestamp(i64::MIN),
            micros => Timestamp::from_postgres(micros),
        },
        oid::DATE => {
            let days = i64::from(i32::from_be_bytes(array(bytes, WHAT)?));
            Timestamp::from_postgres(days.saturating_mul(86_400_000_000))
        }
        _ => return Err(CellError::NotA(WHAT)),
    }))
}

fn timestamp_text(text: &str) -> Result<Timestamp, CellError> {
    const WHAT: CellError = CellError::NotA("time");
    match text {
        "infinity" => return Ok(Timestamp(i64::MAX)),
        "-infinity" => return Ok(Timestamp(i64::MIN)),
        _ => {}
    }
    // Postgres writes 2026-01-31 10:00:00.5-03; RFC 3339 wants a T and a zone of hours and minutes.
    let (date, rest) = text.split_at_checked(10).ok_or(WHAT)?;
    let rest = rest.trim_start_matches([' ', 'T']);
    let zone_at = rest.find(['+', '-', 'Z']).unwrap_or(rest.len());
    let (clock, zone) = rest.split_at(zone_at);
    let clock = if clock.is_empty() { "00:00:00" } else { clock };
    let zone = match zone.len() {
        0 => "Z".to_owned(),
        3 => format!("{zone}:00"),
        _ => zone.to_owned(),
    };
    match format!("{date}T{clock}{zone}").parse::<jiff::Timestamp>() {
        Ok(parsed) => Ok(Timestamp(parsed.as_microsecond())),
        // Live writes an open end as the last day of the calendar, which elsewhere on Earth has a day after it.
        Err(_) if date == "9999-12-31" && clock.parse::<jiff::civil::Time>().is_ok() => {
            Ok(Timestamp(i64::MAX))
        }
        Err(_) => Err(WHAT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As `numeric_send` writes it.
    fn numeric(value: Decimal4) -> Vec<u8> {
        let magnitude = value.0.unsigned_abs();
        let mut digits = Vec::new();
        let mut rest = magnitude;
        while rest > 0 {
            digits.insert(0, (rest % 10_000) as u16);
            rest /= 10_000;
        }
        let weight = digits.len() as i16 - 2;
        let mut bytes = Vec::new();
        bytes.extend((digits.len() as u16).to_be_bytes());
        bytes.extend(weight.to_be_bytes());
        bytes.extend((if value.0 < 0 { 0x4000_u16 } else { 0 }).to_be_bytes());
        bytes.extend(4_u16.to_be_bytes());
        for digit in digits {
            bytes.extend(digit.to_be_bytes());
        }
        bytes
    }

    proptest! {
        #[test]
        fn a_decimal_is_the_same_in_both_forms(value in -999_999_999_999_999_i64..999_999_999_999_999) {
            let value = Decimal4(value);
            prop_assert_eq!(decimal(Cell::Binary(&numeric(value)), oid::NUMERIC), Ok(Some(value)));
            let text = value.to_string();
            prop_assert_eq!(decimal(Cell::Text(text.as_bytes()), oid::NUMERIC), Ok(Some(value)));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..40), binary: bool) {
            let cell = if binary { Cell::Binary(&bytes) } else { Cell::Text(&bytes) };
            for type_oid in [oid::BOOL, oid::INT2, oid::INT4, oid::INT8, oid::TEXT, oid::BPCHAR, oid::DATE,
                oid::TIMESTAMP, oid::TIMESTAMPTZ, oid::NUMERIC, oid::UUID, 999] {
                let _ = (row_id(cell, type_oid), integer(cell, type_oid), boolean(cell, type_oid), text(cell),
                    decimal(cell, type_oid), timestamp(cell, type_oid));
            }
        }

        #[test]
        fn a_uuid_is_the_same_in_both_forms(value: u128) {
            let text = uuid::Uuid::from_u128(value).to_string();
            let expected = Ok(Some(RowId::Uuid(value)));
            prop_assert_eq!(row_id(Cell::Binary(&value.to_be_bytes()), oid::UUID), expected.clone());
            prop_assert_eq!(row_id(Cell::Text(text.as_bytes()), oid::UUID), expected);
        }
    }

    #[test]
    fn what_is_not_sent_is_neither_null_nor_zero() {
        assert_eq!(decimal(Cell::Unchanged, oid::NUMERIC), Err(CellError::Unchanged));
        assert_eq!(decimal(Cell::Null, oid::NUMERIC), Ok(None));
    }

    #[test]
    fn numbers_that_are_none_are_refused() {
        for wrong in ["", "-", ".", "NaN", "Infinity", "1e5", "1.2.3", "١"] {
            assert!(decimal(Cell::Text(wrong.as_bytes()), oid::NUMERIC).is_err(), "{wrong}");
        }
        let nan = [0, 0, 0, 0, 0xC0, 0, 0, 0];
        assert!(decimal(Cell::Binary(&nan), oid::NUMERIC).is_err());
        assert_eq!(decimal(Cell::Text(b"12.34567"), oid::NUMERIC), Ok(Some(Decimal4(123_456))));
    }

    #[test]
    fn times_are_read_with_their_zone() {
        let moment = |text: &str| timestamp(Cell::Text(text.as_bytes()), oid::TIMESTAMPTZ).unwrap().unwrap();
        assert_eq!(moment("2000-01-01 00:00:00+00"), Timestamp::from_postgres(0));
        assert_eq!(moment("1999-12-31 21:00:00.5-03"), Timestamp::from_postgres(500_000));
        assert_eq!(moment("2000-01-01"), Timestamp::from_postgres(0));
        for end in ["infinity", "9999-12-31 00:00:00-03", "9999-12-31 23:59:59.999999+00", "9999-12-31"] {
            assert_eq!(moment(end), Timestamp(i64::MAX), "{end}");
        }
        assert!(timestamp(Cell::Text(b"tomorrow"), oid::TIMESTAMPTZ).is_err());
    }

    #[test]
    fn any_bytes_are_a_value_or_an_error() {
        let types = [
            oid::BOOL,
            oid::INT8,
            oid::INT2,
            oid::INT4,
            oid::TEXT,
            oid::DATE,
            oid::TIMESTAMP,
            oid::TIMESTAMPTZ,
            oid::NUMERIC,
            oid::UUID,
            0,
        ];
        crate::mutation::each("cell", &["NaN", "-infinity", "9999-12-31", "1e400", "0.00005"], |bytes| {
            for oid in types {
                for cell in [Cell::Text(bytes), Cell::Binary(bytes)] {
                    let _ = (row_id(cell, oid), integer(cell, oid), boolean(cell, oid), text(cell));
                    let _ = (decimal(cell, oid), timestamp(cell, oid));
                }
            }
        });
    }
}
