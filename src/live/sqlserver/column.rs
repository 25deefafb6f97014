//! What a result's columns hold, as types that the mapping reads.

use compact_str::CompactString;
use postgres_types::Type;
use tiberius::ColumnType;

use crate::core::row::Column;

/// A column or value that cannot be taken over exactly. Never holds the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column '{column}': {problem}")]
pub struct ColumnError {
    pub column: Box<str>,
    pub problem: ColumnProblem,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ColumnProblem {
    #[error("money loses cents on the way; select CAST(column AS decimal(19,4)) instead")]
    Money,
    #[error("a type that is not supported; select CAST(column AS nvarchar(4000)) instead")]
    UnsupportedType,
    #[error("a date or time outside the years 1 to 9999")]
    TimeOutOfRange,
    #[error("a value that does not fit the type of its column")]
    Unexpected,
    #[error("too large: 64 MiB for a value, 256 MiB for a result that is read at once")]
    TooLarge,
}

/// The columns of a result, typed by Postgres's OIDs, which is what the readers of cells understand.
///
/// A nullable integer column does not say how wide it is; it counts as `int8`.
pub(super) fn describe(columns: &[tiberius::Column]) -> Result<Vec<Column>, ColumnError> {
    let describe_one = |column: &tiberius::Column| {
        let type_oid = type_of(column.column_type())
            .map_err(|problem| ColumnError { column: column.name().into(), problem })?
            .oid();
        Ok(Column { name: CompactString::new(column.name()), type_oid, key: false })
    };
    columns.iter().map(describe_one).collect()
}

fn type_of(column: ColumnType) -> Result<Type, ColumnProblem> {
    use ColumnType as C;
    Ok(match column {
        C::Bit | C::Bitn => Type::BOOL,
        C::Int1 | C::Int2 => Type::INT2,
        C::Int4 => Type::INT4,
        C::Int8 | C::Intn => Type::INT8,
        C::Float4 => Type::FLOAT4,
        C::Float8 | C::Floatn => Type::FLOAT8,
        C::Decimaln | C::Numericn => Type::NUMERIC,
        C::Guid => Type::UUID,
        C::Daten => Type::DATE,
        C::Timen => Type::TIME,
        C::Datetime | C::Datetime4 | C::Datetimen | C::Datetime2 | C::DatetimeOffsetn => Type::TIMESTAMPTZ,
        C::BigChar | C::NChar => Type::BPCHAR,
        C::BigVarChar | C::NVarchar => Type::VARCHAR,
        C::Text | C::NText | C::Xml | C::Null => Type::TEXT,
        C::BigBinary | C::BigVarBin | C::Image => Type::BYTEA,
        C::Money | C::Money4 => return Err(ColumnProblem::Money),
        C::SSVariant | C::Udt => return Err(ColumnProblem::UnsupportedType),
    })
}
