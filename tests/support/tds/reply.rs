//! What a statement answers, and its tokens ([MS-TDS], "Packet data token stream definition").

use super::value::{COLLATION, Kind, Value, utf16};

/// An error of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub number: u32,
    pub class: u8,
    pub text: String,
}

impl Failure {
    pub fn new(number: u32, class: u8, text: impl Into<String>) -> Self {
        Self { number, class, text: text.into() }
    }

    pub fn deadlock() -> Self {
        Self::new(1205, 13, "Transaction was deadlocked on lock resources and has been chosen as the victim.")
    }

    pub fn lock_timeout() -> Self {
        Self::new(1222, 16, "Lock request time out period exceeded.")
    }
}

/// A column of a table or result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnDef {
    pub name: String,
    pub kind: Kind,
    pub nullable: bool,
}

impl ColumnDef {
    pub fn new(name: &str, kind: Kind) -> Self {
        Self { name: name.to_owned(), kind, nullable: false }
    }

    pub fn nullable(name: &str, kind: Kind) -> Self {
        Self { name: name.to_owned(), kind, nullable: true }
    }
}

/// One result with rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ResultSet {
    pub columns: Vec<ColumnDef>,
    pub rows: Vec<Vec<Value>>,
}

/// The answer to a statement.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reply {
    pub results: Vec<ResultSet>,
    /// For statements without a result.
    pub rows_affected: Option<u64>,
    /// INFO messages (PRINT).
    pub messages: Vec<String>,
}

impl Reply {
    pub fn rows(columns: Vec<ColumnDef>, rows: Vec<Vec<Value>>) -> Self {
        Self { results: vec![ResultSet { columns, rows }], ..Self::default() }
    }

    pub fn affected(rows: u64) -> Self {
        Self { rows_affected: Some(rows), ..Self::default() }
    }

    /// One row with one column that cannot be null.
    pub fn scalar(name: &str, kind: Kind, value: Value) -> Self {
        Self::rows(vec![ColumnDef::new(name, kind)], vec![vec![value]])
    }
}

/// DONE status bits.
const MORE: u16 = 0x01;
const ERROR: u16 = 0x02;
const COUNT: u16 = 0x10;
const ATTENTION: u16 = 0x20;

/// Token of a DONE, by where the statement ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Batch,
    Procedure,
}

/// Collects the tokens of an answer.
#[derive(Debug, Default)]
pub struct Tokens {
    pub bytes: Vec<u8>,
}

impl Tokens {
    pub fn reply(&mut self, reply: &Reply, scope: Scope) {
        for message in &reply.messages {
            self.info(0, message);
        }
        let last = reply.results.len();
        for (index, result) in reply.results.iter().enumerate() {
            self.columns(&result.columns);
            for row in &result.rows {
                self.row(&result.columns, row);
            }
            let more = scope == Scope::Procedure || index + 1 < last;
            self.done_statement(scope, result.rows.len() as u64, more);
        }
        if let Some(rows) = reply.rows_affected {
            self.done_statement(scope, rows, scope == Scope::Procedure);
        }
        match scope {
            Scope::Procedure => {
                self.bytes.push(0x79);
                self.bytes.extend([0; 4]);
                self.done(0xFE, 0, 0);
            }
            Scope::Batch if reply.results.is_empty() && reply.rows_affected.is_none() => {
                self.done(0xFD, 0, 0)
            }
            Scope::Batch => {}
        }
    }

    /// A result that breaks off: the rows, then an error.
    pub fn broken_result(&mut self, result: &ResultSet, rows: usize, failure: &Failure, scope: Scope) {
        self.columns(&result.columns);
        for row in result.rows.iter().take(rows) {
            self.row(&result.columns, row);
        }
        self.failure(failure, scope);
    }

    pub fn failure(&mut self, failure: &Failure, scope: Scope) {
        self.message(0xAA, failure.number, failure.class, &failure.text);
        self.done(if scope == Scope::Batch { 0xFD } else { 0xFE }, ERROR, 0);
    }

    /// An error, then what else changed by it.
    pub fn failure_with(&mut self, failure: &Failure, more: &Self, scope: Scope) {
        self.message(0xAA, failure.number, failure.class, &failure.text);
        self.bytes.extend_from_slice(&more.bytes);
        self.done(if scope == Scope::Batch { 0xFD } else { 0xFE }, ERROR, 0);
    }

    pub fn info(&mut self, number: u32, text: &str) {
        self.message(0xAB, number, 0, text);
    }

    pub fn attention_done(&mut self) {
        self.done(0xFD, ATTENTION, 0);
    }

    pub fn plain_done(&mut self) {
        self.done(0xFD, 0, 0);
    }

    /// Old and new value as bytes, or as text with lengths in characters.
    pub fn environment(&mut self, kind: u8, new: &[u8], old: &[u8]) {
        let text = matches!(kind, 1 | 2 | 4);
        let count = |value: &[u8]| (if text { value.len() / 2 } else { value.len() }) as u8;
        self.bytes.push(0xE3);
        self.bytes.extend(((3 + new.len() + old.len()) as u16).to_le_bytes());
        self.bytes.push(kind);
        self.bytes.push(count(new));
        self.bytes.extend_from_slice(new);
        self.bytes.push(count(old));
        self.bytes.extend_from_slice(old);
    }

    pub fn login(&mut self, database: &str, packet_bytes: usize) {
        self.environment(1, &utf16(database), &utf16("master"));
        self.info(5701, &format!("Changed database context to '{database}'."));
        self.environment(7, &COLLATION, &[]);
        self.environment(2, &utf16("us_english"), &[]);
        let name = utf16("Microsoft SQL Server");
        self.bytes.push(0xAD);
        self.bytes.extend(((10 + name.len()) as u16).to_le_bytes());
        self.bytes.extend([1, 0x74, 0, 0, 4, (name.len() / 2) as u8]);
        self.bytes.extend(name);
        self.bytes.extend([15, 0, 0x07, 0xD0]);
        let size = utf16(&packet_bytes.to_string());
        self.environment(4, &size, &size);
        self.plain_done();
    }

    fn message(&mut self, token: u8, number: u32, class: u8, text: &str) {
        let (text, server) = (utf16(text), utf16("DOUBLE"));
        let length = 4 + 1 + 1 + 2 + text.len() + 1 + server.len() + 1 + 4;
        self.bytes.push(token);
        self.bytes.extend((length as u16).to_le_bytes());
        self.bytes.extend(number.to_le_bytes());
        self.bytes.extend([1, class]);
        self.bytes.extend(((text.len() / 2) as u16).to_le_bytes());
        self.bytes.extend(text);
        self.bytes.push((server.len() / 2) as u8);
        self.bytes.extend(server);
        self.bytes.push(0);
        self.bytes.extend(1_u32.to_le_bytes());
    }

    fn columns(&mut self, columns: &[ColumnDef]) {
        self.bytes.push(0x81);
        self.bytes.extend((columns.len() as u16).to_le_bytes());
        for column in columns {
            let user_type: u32 = if column.kind == Kind::RowVersion { 80 } else { 0 };
            self.bytes.extend(user_type.to_le_bytes());
            self.bytes.extend(u16::from(column.nullable).to_le_bytes());
            column.kind.write_info(column.nullable, &mut self.bytes);
            let name = utf16(&column.name);
            self.bytes.push((name.len() / 2) as u8);
            self.bytes.extend(name);
        }
    }

    /// A row with nulls names them in a bitmap (NBCROW), as the server does from TDS 7.3 on.
    fn row(&mut self, columns: &[ColumnDef], row: &[Value]) {
        assert_eq!(columns.len(), row.len(), "a row has as many values as there are columns");
        let any_null = row.contains(&Value::Null);
        self.bytes.push(if any_null { 0xD2 } else { 0xD1 });
        if any_null {
            let mut bitmap = vec![0_u8; row.len().div_ceil(8)];
            for (index, _) in row.iter().enumerate().filter(|(_, value)| **value == Value::Null) {
                bitmap[index / 8] |= 1 << (index % 8);
            }
            self.bytes.extend(bitmap);
        }
        for (column, value) in columns.iter().zip(row).filter(|(_, value)| **value != Value::Null) {
            column.kind.write(column.nullable, value, &mut self.bytes);
        }
    }

    fn done_statement(&mut self, scope: Scope, rows: u64, more: bool) {
        let token = if scope == Scope::Batch { 0xFD } else { 0xFF };
        self.done(token, COUNT | if more { MORE } else { 0 }, rows);
    }

    fn done(&mut self, token: u8, status: u16, rows: u64) {
        self.bytes.push(token);
        self.bytes.extend(status.to_le_bytes());
        self.bytes.extend(0_u16.to_le_bytes());
        self.bytes.extend(rows.to_le_bytes());
    }
}
