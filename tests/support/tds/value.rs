//! Values and column types as TDS writes them ([MS-TDS], "Data type definitions").

use super::bytes::Reader;

/// What a column or parameter holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Bit(bool),
    /// Every integer type.
    Int(i64),
    /// `real` and `float`.
    Float(f64),
    /// Digits without the point; the column knows the scale.
    Decimal(i128),
    /// Ten-thousandths.
    Money(i64),
    Guid(u128),
    /// Every kind of text.
    Text(String),
    /// Every kind of binary, `rowversion` too.
    Binary(Vec<u8>),
    /// Days since 0001-01-01.
    Date(u32),
    /// Units of the column's scale since midnight.
    Time(u64),
    DateTime2 {
        days: u32,
        units: u64,
    },
    /// The moment in UTC, and minutes to local time.
    DateTimeOffset {
        days: u32,
        units: u64,
        minutes: i16,
    },
    /// Days since 1900-01-01 and ticks of 1/300 s.
    DateTime {
        days: i32,
        ticks: u32,
    },
    SmallDateTime {
        days: u16,
        minutes: u16,
    },
}

impl Value {
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub fn rowversion(version: u64) -> Self {
        Self::Binary(version.to_be_bytes().to_vec())
    }

    /// A local time such as `2026-01-31T10:00:00.5` for a column of this scale.
    pub fn datetime2(text: &str, scale: u8) -> Self {
        let moment: jiff::civil::DateTime = text.parse().unwrap();
        let days = jiff::civil::date(1, 1, 1).until(moment.date()).unwrap().get_days();
        let nanos = moment.time().duration_since(jiff::civil::Time::midnight()).as_nanos() as u64;
        Self::DateTime2 { days: days as u32, units: nanos / 10_u64.pow(9 - u32::from(scale)) }
    }

    pub fn as_int(&self) -> i64 {
        match self {
            Self::Int(value) => *value,
            other => panic!("{other:?} is no integer"),
        }
    }

    pub fn as_text(&self) -> &str {
        match self {
            Self::Text(value) => value,
            other => panic!("{other:?} is no text"),
        }
    }

    pub fn as_rowversion(&self) -> u64 {
        match self {
            Self::Binary(bytes) => u64::from_be_bytes(bytes.as_slice().try_into().unwrap()),
            other => panic!("{other:?} is no rowversion"),
        }
    }
}

/// Type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Bit,
    TinyInt,
    SmallInt,
    Int,
    BigInt,
    Real,
    Float,
    Decimal { precision: u8, scale: u8 },
    Money,
    Guid,
    NVarChar(u16),
    NVarCharMax,
    NChar(u16),
    VarChar(u16),
    Char(u16),
    VarBinary(u16),
    VarBinaryMax,
    RowVersion,
    Date,
    Time(u8),
    DateTime2(u8),
    DateTimeOffset(u8),
    DateTime,
    SmallDateTime,
}

/// Latin1_General_CI_AS.
pub const COLLATION: [u8; 5] = [0x09, 0x04, 0xD0, 0x00, 0x34];
/// Length of a chunk of a long value: not a round number, so that chunks end inside of characters and packets.
const CHUNK_BYTES: usize = 5_001;

impl Kind {
    /// TYPE_INFO. Columns that cannot be null have the fixed-length form where there is one, as the server does it.
    pub fn write_info(self, nullable: bool, out: &mut Vec<u8>) {
        let fixed = |token: u8| vec![token];
        let info = match (self, nullable) {
            (Self::Bit, false) => fixed(0x32),
            (Self::TinyInt, false) => fixed(0x30),
            (Self::SmallInt, false) => fixed(0x34),
            (Self::Int, false) => fixed(0x38),
            (Self::BigInt, false) => fixed(0x7F),
            (Self::Real, false) => fixed(0x3B),
            (Self::Float, false) => fixed(0x3E),
            (Self::Money, false) => fixed(0x3C),
            (Self::DateTime, false) => fixed(0x3D),
            (Self::SmallDateTime, false) => fixed(0x3A),
            (Self::Bit, true) => vec![0x68, 1],
            (Self::TinyInt, true) => vec![0x26, 1],
            (Self::SmallInt, true) => vec![0x26, 2],
            (Self::Int, true) => vec![0x26, 4],
            (Self::BigInt, true) => vec![0x26, 8],
            (Self::Real, true) => vec![0x6D, 4],
            (Self::Float, true) => vec![0x6D, 8],
            (Self::Money, true) => vec![0x6E, 8],
            (Self::DateTime, true) => vec![0x6F, 8],
            (Self::SmallDateTime, true) => vec![0x6F, 4],
            (Self::Decimal { precision, scale }, _) => vec![0x6A, decimal_bytes(precision), precision, scale],
            (Self::Guid, _) => vec![0x24, 16],
            (Self::NVarChar(length), _) => text_info(0xE7, length * 2),
            (Self::NVarCharMax, _) => text_info(0xE7, u16::MAX),
            (Self::NChar(length), _) => text_info(0xEF, length * 2),
            (Self::VarChar(length), _) => text_info(0xA7, length),
            (Self::Char(length), _) => text_info(0xAF, length),
            (Self::VarBinary(length), _) => [&[0xA5][..], &length.to_le_bytes()].concat(),
            (Self::VarBinaryMax, _) => vec![0xA5, 0xFF, 0xFF],
            (Self::RowVersion, _) => vec![0xAD, 8, 0],
            (Self::Date, _) => vec![0x28],
            (Self::Time(scale), _) => vec![0x29, scale],
            (Self::DateTime2(scale), _) => vec![0x2A, scale],
            (Self::DateTimeOffset(scale), _) => vec![0x2B, scale],
        };
        out.extend(info);
    }

    /// A value of a row. Nulls are written too, though a row with nulls usually goes out as NBCROW.
    pub fn write(self, nullable: bool, value: &Value, out: &mut Vec<u8>) {
        let short = |bytes: &[u8], out: &mut Vec<u8>| {
            if nullable {
                out.push(bytes.len() as u8);
            }
            out.extend_from_slice(bytes);
        };
        match (self, value) {
            (Self::NVarCharMax | Self::VarBinaryMax, Value::Null) => out.extend([0xFF; 8]),
            (
                Self::NVarChar(_)
                | Self::NChar(_)
                | Self::VarChar(_)
                | Self::Char(_)
                | Self::VarBinary(_)
                | Self::RowVersion,
                Value::Null,
            ) => out.extend([0xFF; 2]),
            (_, Value::Null) => out.push(0),
            (Self::Bit, Value::Bit(value)) => short(&[u8::from(*value)], out),
            (Self::TinyInt, Value::Int(value)) => short(&u8::try_from(*value).unwrap().to_le_bytes(), out),
            (Self::SmallInt, Value::Int(value)) => short(&i16::try_from(*value).unwrap().to_le_bytes(), out),
            (Self::Int, Value::Int(value)) => short(&i32::try_from(*value).unwrap().to_le_bytes(), out),
            (Self::BigInt, Value::Int(value)) => short(&value.to_le_bytes(), out),
            (Self::Real, Value::Float(value)) => short(&(*value as f32).to_le_bytes(), out),
            (Self::Float, Value::Float(value)) => short(&value.to_le_bytes(), out),
            (Self::Money, Value::Money(value)) => {
                let (high, low) = ((value >> 32) as i32, *value as u32);
                short(&[high.to_le_bytes(), low.to_le_bytes()].concat(), out);
            }
            (Self::DateTime, Value::DateTime { days, ticks }) => {
                short(&[days.to_le_bytes(), ticks.to_le_bytes()].concat(), out);
            }
            (Self::SmallDateTime, Value::SmallDateTime { days, minutes }) => {
                short(&[days.to_le_bytes(), minutes.to_le_bytes()].concat(), out);
            }
            (Self::Decimal { precision, .. }, Value::Decimal(value)) => {
                let length = decimal_bytes(precision);
                out.extend([length, u8::from(*value >= 0)]);
                out.extend_from_slice(&value.unsigned_abs().to_le_bytes()[..usize::from(length) - 1]);
            }
            (Self::Guid, Value::Guid(value)) => {
                out.push(16);
                out.extend(uuid::Uuid::from_u128(*value).to_bytes_le());
            }
            (Self::NVarChar(_) | Self::NChar(_), Value::Text(text)) => medium(&utf16(text), out),
            (Self::VarChar(_) | Self::Char(_), Value::Text(text)) => medium(&latin1(text), out),
            (Self::VarBinary(_) | Self::RowVersion, Value::Binary(bytes)) => medium(bytes, out),
            (Self::NVarCharMax, Value::Text(text)) => long(&utf16(text), out),
            (Self::VarBinaryMax, Value::Binary(bytes)) => long(bytes, out),
            (Self::Date, Value::Date(days)) => {
                out.push(3);
                out.extend_from_slice(&days.to_le_bytes()[..3]);
            }
            (Self::Time(scale), Value::Time(units)) => {
                out.push(time_bytes(scale));
                write_time(scale, *units, out);
            }
            (Self::DateTime2(scale), Value::DateTime2 { days, units }) => {
                out.push(time_bytes(scale) + 3);
                write_time(scale, *units, out);
                out.extend_from_slice(&days.to_le_bytes()[..3]);
            }
            (Self::DateTimeOffset(scale), Value::DateTimeOffset { days, units, minutes }) => {
                out.push(time_bytes(scale) + 5);
                write_time(scale, *units, out);
                out.extend_from_slice(&days.to_le_bytes()[..3]);
                out.extend(minutes.to_le_bytes());
            }
            (kind, value) => panic!("{value:?} does not fit a column of {kind:?}"),
        }
    }
}

fn text_info(token: u8, length: u16) -> Vec<u8> {
    [&[token][..], &length.to_le_bytes(), &COLLATION].concat()
}

const fn decimal_bytes(precision: u8) -> u8 {
    match precision {
        0..=9 => 5,
        10..=19 => 9,
        20..=28 => 13,
        _ => 17,
    }
}

const fn time_bytes(scale: u8) -> u8 {
    match scale {
        0..=2 => 3,
        3..=4 => 4,
        _ => 5,
    }
}

fn write_time(scale: u8, units: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(&units.to_le_bytes()[..usize::from(time_bytes(scale))]);
}

pub fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Code page 1252, as far as it is Latin-1.
fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect()
}

fn medium(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend(u16::try_from(bytes.len()).unwrap().to_le_bytes());
    out.extend_from_slice(bytes);
}

/// A partially length-prefixed value.
fn long(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend((bytes.len() as u64).to_le_bytes());
    for chunk in bytes.chunks(CHUNK_BYTES) {
        out.extend((chunk.len() as u32).to_le_bytes());
        out.extend_from_slice(chunk);
    }
    out.extend([0; 4]);
}

/// A parameter of an RPC request: TYPE_INFO and value.
pub fn read_parameter(reader: &mut Reader<'_>) -> Option<Value> {
    let token = reader.u8()?;
    Some(match token {
        0x1F => Value::Null,
        0x24 | 0x26 | 0x68 | 0x6D => {
            reader.u8()?;
            let length = reader.u8()?;
            let bytes = reader.take(length.into())?;
            match (token, bytes.len()) {
                (_, 0) => Value::Null,
                (0x24, _) => Value::Guid(uuid::Uuid::from_bytes_le(bytes.try_into().ok()?).as_u128()),
                (0x68, _) => Value::Bit(bytes[0] != 0),
                (0x6D, 4) => Value::Float(f32::from_le_bytes(bytes.try_into().ok()?).into()),
                (0x6D, _) => Value::Float(f64::from_le_bytes(bytes.try_into().ok()?)),
                (_, 1) => Value::Int(bytes[0].into()),
                (_, 2) => Value::Int(i16::from_le_bytes(bytes.try_into().ok()?).into()),
                (_, 4) => Value::Int(i32::from_le_bytes(bytes.try_into().ok()?).into()),
                _ => Value::Int(i64::from_le_bytes(bytes.try_into().ok()?)),
            }
        }
        0x6A | 0x6C => {
            reader.take(3)?;
            let length = reader.u8()?;
            if length == 0 {
                return Some(Value::Null);
            }
            let sign = reader.u8()?;
            let mut magnitude = [0; 16];
            magnitude[..usize::from(length) - 1].copy_from_slice(reader.take(usize::from(length) - 1)?);
            let value = i128::from_le_bytes(magnitude);
            Value::Decimal(if sign == 0 { -value } else { value })
        }
        0xA5 | 0xA7 | 0xAD | 0xAF | 0xE7 | 0xEF => {
            let limit = reader.u16()?;
            if !matches!(token, 0xA5 | 0xAD) {
                reader.take(5)?;
            }
            let bytes = match limit {
                u16::MAX => read_long(reader)?,
                _ => match reader.u16()? {
                    u16::MAX => None,
                    length => Some(reader.take(length.into())?.to_vec()),
                },
            };
            match (token, bytes) {
                (_, None) => Value::Null,
                (0xA5 | 0xAD, Some(bytes)) => Value::Binary(bytes),
                (0xE7 | 0xEF, Some(bytes)) => Value::Text(text_of(&bytes)),
                (_, Some(bytes)) => Value::Text(bytes.iter().map(|byte| char::from(*byte)).collect()),
            }
        }
        other => panic!("a parameter of type 0x{other:02X} is not known here"),
    })
}

fn read_long(reader: &mut Reader<'_>) -> Option<Option<Vec<u8>>> {
    if reader.u64()? == u64::MAX {
        return Some(None);
    }
    let mut bytes = Vec::new();
    loop {
        match reader.u32()? {
            0 => return Some(Some(bytes)),
            length => bytes.extend_from_slice(reader.take(length as usize)?),
        }
    }
}

pub fn text_of(utf16: &[u8]) -> String {
    let units: Vec<u16> = utf16.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    String::from_utf16_lossy(&units)
}
