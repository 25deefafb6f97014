use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;

/// What the tests encode, owned; `Message` borrows.
#[derive(Debug, Clone)]
enum Sent {
    Begin { lsn: u64, micros: i64, xid: u32 },
    Commit { lsn: u64, end: u64, micros: i64 },
    Origin { lsn: u64, name: String },
    Relation { relation: Relation, identity: u8 },
    Type { oid: u32, schema: String, name: String },
    Insert { relation: u32, new: Row },
    Update { relation: u32, old: Option<(u8, Row)>, new: Row },
    Delete { relation: u32, marker: u8, old: Row },
    Truncate { relations: Vec<u32>, options: u8 },
    Logical { transactional: bool, lsn: u64, prefix: String, content: Vec<u8> },
}

type Row = Vec<Sample>;

#[derive(Debug, Clone)]
enum Sample {
    Null,
    Unchanged,
    Text(Vec<u8>),
    Binary(Vec<u8>),
}

impl Sample {
    fn cell(&self) -> Cell<'_> {
        match self {
            Self::Null => Cell::Null,
            Self::Unchanged => Cell::Unchanged,
            Self::Text(bytes) => Cell::Text(bytes),
            Self::Binary(bytes) => Cell::Binary(bytes),
        }
    }
}

#[derive(Default)]
struct Encoder(Vec<u8>);

impl Encoder {
    fn put(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    fn text(&mut self, text: &str) -> &mut Self {
        self.put(text.as_bytes()).put(&[0])
    }

    fn sized(&mut self, bytes: &[u8]) -> &mut Self {
        self.put(&(bytes.len() as u32).to_be_bytes()).put(bytes)
    }

    fn row(&mut self, row: &Row) -> &mut Self {
        self.put(&(row.len() as u16).to_be_bytes());
        for sample in row {
            match sample {
                Sample::Null => self.put(b"n"),
                Sample::Unchanged => self.put(b"u"),
                Sample::Text(bytes) => self.put(b"t").sized(bytes),
                Sample::Binary(bytes) => self.put(b"b").sized(bytes),
            };
        }
        self
    }

    fn relation(&mut self, relation: &Relation, identity: u8) -> &mut Self {
        self.put(b"R").put(&relation.id.to_be_bytes()).text(&relation.schema).text(&relation.table);
        self.put(&[identity]).put(&(relation.columns.len() as u16).to_be_bytes());
        for column in &relation.columns {
            self.put(&[u8::from(column.key)]).text(&column.name);
            self.put(&column.type_oid.to_be_bytes()).put(&(-1_i32).to_be_bytes());
        }
        self
    }
}

fn encode(sent: &Sent) -> Vec<u8> {
    let mut out = Encoder::default();
    match sent {
        Sent::Begin { lsn, micros, xid } => {
            out.put(b"B").put(&lsn.to_be_bytes()).put(&micros.to_be_bytes()).put(&xid.to_be_bytes())
        }
        Sent::Commit { lsn, end, micros } => {
            out.put(b"C\0").put(&lsn.to_be_bytes()).put(&end.to_be_bytes()).put(&micros.to_be_bytes())
        }
        Sent::Origin { lsn, name } => out.put(b"O").put(&lsn.to_be_bytes()).text(name),
        Sent::Relation { relation, identity } => out.relation(relation, *identity),
        Sent::Type { oid, schema, name } => out.put(b"Y").put(&oid.to_be_bytes()).text(schema).text(name),
        Sent::Insert { relation, new } => out.put(b"I").put(&relation.to_be_bytes()).put(b"N").row(new),
        Sent::Update { relation, old, new } => {
            out.put(b"U").put(&relation.to_be_bytes());
            if let Some((marker, old)) = old {
                out.put(&[*marker]).row(old);
            }
            out.put(b"N").row(new)
        }
        Sent::Delete { relation, marker, old } => {
            out.put(b"D").put(&relation.to_be_bytes()).put(&[*marker]).row(old)
        }
        Sent::Truncate { relations, options } => {
            out.put(b"T").put(&(relations.len() as u32).to_be_bytes()).put(&[*options]);
            relations.iter().fold(&mut out, |out, oid| out.put(&oid.to_be_bytes()))
        }
        Sent::Logical { transactional, lsn, prefix, content } => {
            out.put(b"M").put(&[u8::from(*transactional)]).put(&lsn.to_be_bytes()).text(prefix).sized(content)
        }
    };
    out.0
}

fn cells_of(row: &Row) -> Vec<Cell<'_>> {
    row.iter().map(Sample::cell).collect()
}

/// Compares without the decoder's own types on the expected side of a row.
fn assert_same(message: &Message<'_>, sent: &Sent) {
    match (message, sent) {
        (Message::Begin(begin), Sent::Begin { lsn, micros, xid }) => {
            assert_eq!((begin.final_lsn.0, begin.xid), (*lsn, *xid));
            assert_eq!(begin.committed_at, Timestamp::from_postgres(*micros));
        }
        (Message::Commit(commit), Sent::Commit { lsn, end, micros }) => {
            assert_eq!((commit.commit_lsn.0, commit.end_lsn.0), (*lsn, *end));
            assert_eq!(commit.committed_at, Timestamp::from_postgres(*micros));
        }
        (Message::Origin { commit_lsn, name }, Sent::Origin { lsn, name: expected }) => {
            assert_eq!((commit_lsn.0, *name), (*lsn, expected.as_str()));
        }
        (Message::Relation { relation, .. }, Sent::Relation { relation: expected, .. }) => {
            assert_eq!(relation, expected);
        }
        (Message::Type { oid, schema, name }, Sent::Type { oid: o, schema: s, name: n }) => {
            assert_eq!((oid, *schema, *name), (o, s.as_str(), n.as_str()));
        }
        (Message::Row { relation, change }, sent) => assert_same_row(*relation, change, sent),
        (
            Message::Truncate { relations, cascade, restart_identity },
            Sent::Truncate { relations: r, options },
        ) => {
            assert_eq!(relations.iter().collect::<Vec<_>>(), *r);
            assert_eq!(u8::from(*cascade) | u8::from(*restart_identity) << 1, *options);
        }
        (Message::Logical(message), Sent::Logical { transactional, lsn, prefix, content }) => {
            assert_eq!((message.transactional, message.lsn.0), (*transactional, *lsn));
            assert_eq!((message.prefix, message.content), (prefix.as_str(), content.as_slice()));
        }
        _ => panic!("{sent:?} became {message:?}"),
    }
}

fn assert_same_row(relation: u32, change: &RowChange<'_>, sent: &Sent) {
    match (change, sent) {
        (RowChange::Insert { new }, Sent::Insert { relation: r, new: n }) => {
            assert_eq!((relation, *new), (*r, cells_of(n).as_slice()));
        }
        (RowChange::Update { old, new }, Sent::Update { relation: r, old: o, new: n }) => {
            assert_eq!((relation, *new), (*r, cells_of(n).as_slice()));
            assert_eq!(old.map(<[_]>::to_vec), o.as_ref().map(|(_, row)| cells_of(row)));
        }
        (RowChange::Delete { old }, Sent::Delete { relation: r, old: o, .. }) => {
            assert_eq!((relation, *old), (*r, cells_of(o).as_slice()));
        }
        _ => panic!("{sent:?} became {change:?}"),
    }
}

fn name() -> impl Strategy<Value = String> {
    "[a-zçã_]{1,12}"
}

fn row() -> impl Strategy<Value = Row> {
    let sample = prop_oneof![
        Just(Sample::Null),
        Just(Sample::Unchanged),
        vec(any::<u8>(), 0..20).prop_map(Sample::Text),
        vec(any::<u8>(), 0..20).prop_map(Sample::Binary),
    ];
    vec(sample, 0..9)
}

fn relation_strategy() -> impl Strategy<Value = Relation> {
    let column = (name(), any::<u32>(), any::<bool>());
    (any::<u32>(), name(), name(), vec(column, 0..9)).prop_map(|(id, schema, table, columns)| Relation {
        id,
        schema: schema.into(),
        table: table.into(),
        columns: columns
            .into_iter()
            .map(|(name, type_oid, key)| Column { name: name.into(), type_oid, key })
            .collect(),
    })
}

fn sent() -> impl Strategy<Value = Sent> {
    let old_marker = || prop_oneof![Just(b'K'), Just(b'O')];
    prop_oneof![
        any::<(u64, i64, u32)>().prop_map(|(lsn, micros, xid)| Sent::Begin { lsn, micros, xid }),
        any::<(u64, u64, i64)>().prop_map(|(lsn, end, micros)| Sent::Commit { lsn, end, micros }),
        (any::<u64>(), name()).prop_map(|(lsn, name)| Sent::Origin { lsn, name }),
        (relation_strategy(), prop_oneof![Just(b'd'), Just(b'n'), Just(b'f'), Just(b'i')])
            .prop_map(|(relation, identity)| Sent::Relation { relation, identity }),
        (any::<u32>(), name(), name()).prop_map(|(oid, schema, name)| Sent::Type { oid, schema, name }),
        (any::<u32>(), row()).prop_map(|(relation, new)| Sent::Insert { relation, new }),
        (any::<u32>(), option::of((old_marker(), row())), row())
            .prop_map(|(relation, old, new)| Sent::Update { relation, old, new }),
        (any::<u32>(), old_marker(), row()).prop_map(|(relation, marker, old)| Sent::Delete {
            relation,
            marker,
            old
        }),
        (vec(any::<u32>(), 0..5), 0..4_u8)
            .prop_map(|(relations, options)| Sent::Truncate { relations, options }),
        (any::<bool>(), any::<u64>(), name(), vec(any::<u8>(), 0..40)).prop_map(
            |(transactional, lsn, prefix, content)| Sent::Logical { transactional, lsn, prefix, content }
        ),
    ]
}

proptest! {
    #[test]
    fn what_is_encoded_is_what_is_decoded(sent in sent()) {
        let payload = encode(&sent);
        let mut cells = Vec::new();
        assert_same(&decode(&payload, &mut cells).unwrap(), &sent);
    }

    #[test]
    fn a_message_cut_short_or_with_a_tail_is_an_error(sent in sent(), at in any::<prop::sample::Index>()) {
        let mut payload = encode(&sent);
        prop_assert!(decode(&payload[..at.index(payload.len())], &mut Vec::new()).is_err());
        payload.push(0);
        prop_assert!(decode(&payload, &mut Vec::new()).is_err());
    }

    #[test]
    fn any_bytes_give_a_message_or_an_error(bytes in vec(any::<u8>(), 0..80)) {
        let mut cells = Vec::new();
        let _ = decode(&bytes, &mut cells);
        prop_assert!(cells.capacity() <= 2 * COLUMNS_MAX);
    }

    #[test]
    fn a_damaged_message_gives_a_message_or_an_error(
        sent in sent(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut payload = encode(&sent);
        let at = at.index(payload.len());
        payload[at] = byte;
        let _ = decode(&payload, &mut Vec::new());
    }
}

#[test]
fn a_length_beyond_the_message_reserves_nothing() {
    let mut cells = Vec::new();
    let row = b"I\0\0\0\x01N\0\x01t\x7F\xFF\xFF\xFFx";
    assert_eq!(decode(row, &mut cells), Err(DecodeError::Truncated("column value")));
    let columns = b"I\0\0\0\x01N\xFF\xFF";
    assert_eq!(decode(columns, &mut cells), Err(DecodeError::TooManyColumns(65535)));
    let tables = b"T\x7F\xFF\xFF\xFF\0";
    assert_eq!(decode(tables, &mut cells), Err(DecodeError::Truncated("truncated tables")));
    let negative = b"I\0\0\0\x01N\0\x01t\xFF\xFF\xFF\xFF";
    assert_eq!(decode(negative, &mut cells), Err(DecodeError::NegativeLength("column value")));
    assert!(cells.capacity() < 16);
}

#[test]
fn messages_of_later_versions_are_named_as_such() {
    assert_eq!(decode(b"S\0\0\0\x01\x01", &mut Vec::new()), Err(DecodeError::LaterVersion(b'S')));
    assert_eq!(decode(b"?", &mut Vec::new()), Err(DecodeError::UnknownMessage(b'?')));
    assert_eq!(decode(b"", &mut Vec::new()), Err(DecodeError::Truncated("message type")));
}

#[test]
fn a_recycled_list_keeps_its_memory() {
    let mut cells = Vec::with_capacity(64);
    cells.push(Cell::Text(b"x"));
    let pointer = cells.as_ptr().addr();
    let recycled: Vec<Cell<'static>> = recycle(cells);
    assert_eq!((recycled.len(), recycled.capacity(), recycled.as_ptr().addr()), (0, 64, pointer));
}

#[test]
fn messages_recorded_from_a_server_are_understood() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fuzz/corpus/pgoutput");
    let mut count = 0;
    for entry in std::fs::read_dir(corpus).unwrap() {
        let path = entry.unwrap().path();
        let payload = std::fs::read(&path).unwrap();
        let mut cells = Vec::new();
        let message = decode(&payload, &mut cells);
        assert!(message.is_ok(), "{}: {message:?}", path.display());
        count += 1;
    }
    assert!(count > 20);
}

#[test]
fn any_bytes_are_a_message_or_an_error() {
    crate::mutation::each("pgoutput", &[], |payload| {
        let mut cells = Vec::new();
        if let Ok(Message::Truncate { relations, .. }) = decode(payload, &mut cells) {
            assert_eq!(relations.iter().count(), relations.iter().len());
        }
        assert!(cells.capacity() <= 4 * COLUMNS_MAX, "lengths are believed only as far as there are bytes");
    });
}
