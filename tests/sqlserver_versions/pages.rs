//! What is asked for chunks of rows, answered as SQL Server would: in its own order, after waiting for rows that others
//! have locked.

use crate::live::Shape;
use crate::tds::{ColumnDef, Engine, Failure, Kind, Locks, Outcome, Reply, Row, Session, Stop, Value};

/// What the server's clock shows.
pub(crate) const CLOCK: &str = "2026-03-01T12:00:00.25Z";

pub(crate) fn install(engine: &mut Engine) {
    engine.on("mare:clock", |_, _, _| {
        // As a server in São Paulo says it.
        let Value::DateTime2 { days, units } = Value::datetime2(CLOCK.trim_end_matches('Z'), 7) else {
            panic!("{CLOCK}")
        };
        let now = Value::DateTimeOffset { days, units, minutes: -180 };
        Ok(Reply::scalar("agora", Kind::DateTimeOffset(7), now))
    });
    for tag in ["mare:chunk.page", "mare:chunk.by_keys", "mare:chunk.range", "mare:chunk.by_keys_within"] {
        engine.on(tag, answer);
    }
}

/// The engine notes this of a column that was dropped.
pub(crate) fn gone_note(column: &str) -> String {
    format!("gone {column}")
}

pub(crate) fn is_gone(engine: &Engine, column: &str) -> bool {
    engine.notes.contains_key(&gone_note(column))
}

fn answer(engine: &mut Engine, session: &Session, params: &[Value]) -> Outcome<Reply> {
    let shape = Shape::of(session);
    let columns = shape.columns();
    let (head, rest) = session.sql.split_once("\nFROM ").unwrap();
    let wanted: Vec<usize> = columns_in(head, &columns).collect();
    if let Some(gone) = wanted.iter().find(|index| is_gone(engine, &columns[**index].name)) {
        let text = format!("Invalid column name '{}'.", columns[*gone].name);
        return Err(Failure::new(207, 16, text).into());
    }
    let (rest, order) = rest.split_once("\nORDER BY ").map_or((rest, None), |(rest, by)| (rest, Some(by)));
    let conditions = rest.split_once("\nWHERE ").map_or("", |(_, conditions)| conditions);
    let conditions = conditions.split(" AND ").filter(|condition| !condition.is_empty());
    let conditions: Vec<Condition> =
        conditions.map(|text| Condition::read(text, &columns, params)).collect::<Outcome<_>>()?;
    let locks = if rest.contains("READPAST") { Locks::ReadPast } else { Locks::Wait };
    let is_meant = |row: &Row| conditions.iter().all(|condition| condition.holds(row));
    let by = order.and_then(|by| columns_in(by, &columns).next());
    let rows = match by.filter(|_| head.contains("TOP (@P1)")) {
        Some(by) => {
            let count = params[0].as_int() as usize;
            let mut rows = engine.read_where(session.tx, shape.name, Locks::Versions, is_meant)?;
            rows.sort_by_key(|row| rank(&row[by]));
            // It does not come as far as rows behind the last one.
            let end = count.checked_sub(1).and_then(|last| rows.get(last)).map(|row| rank(&row[by]));
            let comes_to = |row: &Row| is_meant(row) && end.as_ref().is_none_or(|end| rank(&row[by]) <= *end);
            let mut rows = engine.read_where(session.tx, shape.name, locks, comes_to)?;
            rows.sort_by_key(|row| rank(&row[by]));
            rows.truncate(count);
            rows
        }
        None => engine.read_where(session.tx, shape.name, locks, is_meant)?,
    };
    let rows = rows.into_iter().map(|row| wanted.iter().map(|index| row[*index].clone()).collect());
    Ok(Reply::rows(wanted.iter().map(|index| columns[*index].clone()).collect(), rows.collect()))
}

/// The columns that a text names as `t.[name]`.
fn columns_in<'a>(text: &'a str, columns: &'a [ColumnDef]) -> impl Iterator<Item = usize> + 'a {
    text.split("t.[").skip(1).map(|rest| {
        let name = rest.split_once(']').unwrap().0;
        columns.iter().position(|column| column.name == name).unwrap_or_else(|| panic!("column {name}"))
    })
}

/// A column that is compared with parameters.
struct Condition {
    column: usize,
    operator: String,
    values: Vec<Rank>,
}

impl Condition {
    fn read(text: &str, columns: &[ColumnDef], params: &[Value]) -> Outcome<Self> {
        let column = columns_in(text, columns).next().unwrap();
        let operator = text.split_once("] ").unwrap().1;
        let operator = operator.split_once(['(', ';']).map_or(operator, |(operator, _)| operator);
        let operator = operator.trim_end_matches("CAST").trim().to_owned();
        let values = text.split("@P").skip(1).map(|rest| {
            let number: usize = rest.split_once(' ').unwrap().0.parse().unwrap();
            parse(columns[column].kind, params[number - 1].as_text()).map(|value| rank(&value))
        });
        Ok(Self { column, operator, values: values.collect::<Outcome<_>>()? })
    }

    fn holds(&self, row: &Row) -> bool {
        let value = rank(&row[self.column]);
        value != Rank::Null
            && match self.operator.as_str() {
                "IS NOT NULL" => true,
                "IN" | "=" => self.values.contains(&value),
                ">" => value > self.values[0],
                "<=" => value <= self.values[0],
                other => panic!("{other}"),
            }
    }
}

/// What `CAST(@Pn AS …)` makes of a text.
fn parse(kind: Kind, text: &str) -> Outcome<Value> {
    let refused = || Stop::from(Failure::new(245, 16, "Conversion failed."));
    Ok(match kind {
        Kind::Int => Value::Int(text.parse().map_err(|_| refused())?),
        Kind::Guid => Value::Guid(text.parse::<uuid::Uuid>().map_err(|_| refused())?.as_u128()),
        Kind::NVarChar(_) => Value::text(text),
        Kind::Date => match Value::datetime2(&format!("{text}T00:00:00"), 0) {
            Value::DateTime2 { days, .. } => Value::Date(days),
            other => panic!("{other:?}"),
        },
        Kind::Decimal { scale, .. } => {
            let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
            let digits = format!("{whole}{decimals:0<width$}", width = usize::from(scale));
            Value::Decimal(digits.parse().map_err(|_| refused())?)
        }
        other => panic!("{other:?}"),
    })
}

/// Where a value stands among others.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Null,
    Number(i128),
    Text(String),
    Bytes([u8; 16]),
}

fn rank(value: &Value) -> Rank {
    match value {
        Value::Null => Rank::Null,
        Value::Bit(value) => Rank::Number((*value).into()),
        Value::Int(value) => Rank::Number((*value).into()),
        Value::Decimal(value) => Rank::Number(*value),
        Value::Date(days) => Rank::Number((*days).into()),
        // A collation without cases, which ignores blanks at the end.
        Value::Text(text) => Rank::Text(text.trim_end().to_lowercase()),
        Value::Guid(value) => Rank::Bytes(guid_rank(*value)),
        other => panic!("{other:?}"),
    }
}

/// The last group counts first, and each of the first three from its end.
fn guid_rank(value: u128) -> [u8; 16] {
    let bytes = uuid::Uuid::from_u128(value).to_bytes_le();
    [10, 11, 12, 13, 14, 15, 8, 9, 6, 7, 4, 5, 0, 1, 2, 3].map(|place: usize| bytes[place])
}
