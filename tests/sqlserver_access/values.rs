//! Every type, both ways.

use super::*;

/// One row per list of values.
async fn fetch(columns: Vec<ColumnDef>, rows: Vec<Vec<Value>>) -> mare::live::sqlserver::RowBuffer {
    let (server, connection) = plain_server().await;
    server.with(|engine| {
        engine.on("test:rows", move |_, _, _| Ok(Reply::rows(columns.clone(), rows.clone())));
    });
    connection.fetch(Statement::new("/*test:rows*/")).await.unwrap().rows
}

/// Every kind with its type for the mapping, a value, and the value as it is read.
fn kinds() -> Vec<(Kind, u32, Value, &'static str)> {
    let guid = 0x6F96_19FF_8B86_D011_B42D_00C0_4FC9_64FF;
    let noon = 12 * 36_000_000_000;
    vec![
        (Kind::Bit, oid::BOOL, Value::Bit(true), "t"),
        (Kind::TinyInt, oid::INT2, Value::Int(255), "255"),
        (Kind::SmallInt, oid::INT2, Value::Int(-32_768), "-32768"),
        (Kind::Int, oid::INT4, Value::Int(i32::MIN.into()), "-2147483648"),
        (Kind::BigInt, oid::INT8, Value::Int(i64::MIN), "-9223372036854775808"),
        (Kind::Real, 700, Value::Float(0.5), "0.5"),
        (Kind::Float, 701, Value::Float(-1.25e10), "-12500000000"),
        (Kind::Decimal { precision: 15, scale: 4 }, oid::NUMERIC, Value::Decimal(-1), "-0.0001"),
        (Kind::Decimal { precision: 9, scale: 0 }, oid::NUMERIC, Value::Decimal(999_999_999), "999999999"),
        (
            Kind::Decimal { precision: 38, scale: 10 },
            oid::NUMERIC,
            Value::Decimal(99_999_999_999_999_999_999_999_999_999_999_999_999),
            "9999999999999999999999999999.9999999999",
        ),
        (Kind::Guid, oid::UUID, Value::Guid(guid), "6f9619ff-8b86-d011-b42d-00c04fc964ff"),
        (Kind::NVarChar(20), oid::VARCHAR, Value::text("Ção 漢字 🎉"), "Ção 漢字 🎉"),
        (Kind::NChar(4), oid::BPCHAR, Value::text("SP  "), "SP  "),
        (Kind::VarChar(20), oid::VARCHAR, Value::text("Ação à vista"), "Ação à vista"),
        (Kind::Char(4), oid::BPCHAR, Value::text("UN  "), "UN  "),
        (Kind::NVarCharMax, oid::VARCHAR, Value::text(""), ""),
        (Kind::VarBinary(8), 17, Value::Binary(b"abc".to_vec()), "abc"),
        (Kind::VarBinaryMax, 17, Value::Binary(b"abc".to_vec()), "abc"),
        (Kind::Date, oid::DATE, Value::Date(0), "0001-01-01"),
        (Kind::Time(7), 1083, Value::Time(noon + 1), "12:00:00.0000001"),
        (
            Kind::DateTime2(3),
            oid::TIMESTAMPTZ,
            Value::datetime2("2026-07-01T12:00:00.123", 3),
            "2026-07-01 15:00:00.123+00",
        ),
        (
            Kind::DateTime2(7),
            oid::TIMESTAMPTZ,
            Value::datetime2("9999-12-31T23:59:59.9999999", 7),
            "infinity",
        ),
        (
            Kind::DateTime2(0),
            oid::TIMESTAMPTZ,
            Value::datetime2("2018-12-01T12:00:00", 0),
            "2018-12-01 14:00:00+00",
        ),
        (
            Kind::DateTimeOffset(7),
            oid::TIMESTAMPTZ,
            Value::DateTimeOffset { days: 739_432, units: noon, minutes: -180 },
            "2025-07-01 12:00:00+00",
        ),
        (
            Kind::DateTime,
            oid::TIMESTAMPTZ,
            Value::DateTime { days: 46_202, ticks: 299 },
            "2026-07-01 03:00:00.997+00",
        ),
        (
            Kind::SmallDateTime,
            oid::TIMESTAMPTZ,
            Value::SmallDateTime { days: 46_202, minutes: 61 },
            "2026-07-01 04:01:00+00",
        ),
    ]
}

#[tokio::test]
async fn every_type_is_read_as_the_mapping_reads_it() {
    let kinds = kinds();
    let columns = |nullable: bool| -> Vec<ColumnDef> {
        let column = |(index, (kind, ..)): (usize, &(Kind, u32, Value, &str))| ColumnDef {
            name: format!("c{index}"),
            kind: *kind,
            nullable,
        };
        kinds.iter().enumerate().map(column).collect()
    };
    let values: Vec<Value> = kinds.iter().map(|(_, _, value, _)| value.clone()).collect();
    let nulls = vec![Value::Null; kinds.len()];
    let sure = fetch(columns(false), vec![values.clone()]).await;
    let rows = fetch(columns(true), vec![values.clone(), nulls, values]).await;
    assert_eq!((sure.len(), rows.len()), (1, 3));
    for (index, (kind, type_oid, _, text)) in kinds.iter().enumerate() {
        assert_eq!(sure.columns()[index].type_oid, *type_oid, "{kind:?}");
        for row in [sure.row(0), rows.row(0), rows.row(2)].into_iter().flatten() {
            let (Cell::Text(bytes) | Cell::Binary(bytes)) = row.cell(index) else { panic!("{kind:?}") };
            assert_eq!(std::str::from_utf8(bytes).unwrap(), *text, "{kind:?}");
        }
        assert_eq!(rows.row(1).unwrap().cell(index), Cell::Null, "{kind:?}");
    }
}

#[tokio::test]
async fn the_mapping_reads_the_cells() {
    let columns = vec![
        ColumnDef::new("id", Kind::Guid),
        ColumnDef::nullable("numero", Kind::BigInt),
        ColumnDef::nullable("ativo", Kind::Bit),
        ColumnDef::nullable("quantidade", Kind::Decimal { precision: 15, scale: 4 }),
        ColumnDef::nullable("uf", Kind::NChar(4)),
        ColumnDef::nullable("quando", Kind::DateTime2(3)),
    ];
    let row = vec![
        Value::Guid(7),
        Value::Int(42),
        Value::Bit(false),
        Value::Decimal(-123_456),
        Value::text("SP  "),
        Value::datetime2("1999-12-31T22:00:00", 3),
    ];
    let rows = fetch(columns, vec![row]).await;
    let row = rows.row(0).unwrap();
    let cell = |index: usize| (row.cell(index), row.columns()[index].type_oid);
    assert_eq!(cell::row_id(cell(0).0, cell(0).1), Ok(Some(RowId::Uuid(7))));
    assert_eq!(cell::integer(cell(1).0, cell(1).1), Ok(Some(42)));
    assert_eq!(cell::boolean(cell(2).0, cell(2).1), Ok(Some(false)));
    assert_eq!(cell::decimal(cell(3).0, cell(3).1).unwrap().unwrap().to_string(), "-12.3456");
    assert_eq!(cell::text(cell(4).0).unwrap().unwrap(), "SP");
    // Summer time of 1999: two hours behind UTC.
    let expected = Timestamp::from_postgres(0);
    assert_eq!(cell::timestamp(cell(5).0, cell(5).1), Ok(Some(expected)));
}

#[tokio::test]
async fn a_rowversion_is_a_number() {
    let rows =
        fetch(vec![ColumnDef::new("rv", Kind::RowVersion)], vec![vec![Value::rowversion(1 << 40)]]).await;
    assert_eq!(rows.row(0).unwrap().rowversion(0), Some(1 << 40));
}

#[tokio::test]
async fn long_text_comes_whole_through_many_packets_and_pieces() {
    let text: String = (0..200_000).map(|index| char::from_u32(0x4E00 + index % 5000).unwrap()).collect();
    let (server, connection) = plain_server().await;
    let sent = text.clone();
    server.with(|engine| {
        engine.on("test:long", move |_, _, _| {
            let columns = vec![ColumnDef::nullable("texto_rtf", Kind::NVarCharMax)];
            Ok(Reply::rows(columns, vec![vec![Value::text(&*sent)], vec![Value::Null]]))
        });
    });
    // Headers and characters are cut apart too.
    server.fault("test:long", Fault::Pieces(1_021));
    let rows = connection.fetch(Statement::new("/*test:long*/")).await.unwrap().rows;
    assert_eq!(rows.row(0).unwrap().text(0).unwrap(), text);
    assert_eq!(rows.row(1).unwrap().cell(0), Cell::Null);
}

#[tokio::test]
async fn money_is_refused_by_name_and_the_connection_goes_on() {
    let (server, connection) = plain_server().await;
    server.with(|engine| {
        engine.on("test:money", |_, _, _| Ok(Reply::scalar("valor", Kind::Money, Value::Money(10_000))));
    });
    match connection.fetch(Statement::new("/*test:money*/")).await {
        Err(SqlError::Column(error)) => {
            assert_eq!((&*error.column, error.problem), ("valor", ColumnProblem::Money));
        }
        other => panic!("{other:?}"),
    }
    works(&connection).await;
}

#[tokio::test]
async fn parameters_arrive_as_they_were_bound() {
    let (server, connection) = plain_server().await;
    server.with(|engine| {
        engine.on("test:params", |_, _, params| Ok(Reply::affected(params.len() as u64)));
    });
    let moment = Timestamp::from_postgres(500_000);
    let long = "é".repeat(5_000);
    let statement = Statement::new("/*test:params*/ @P1")
        .bind(Param::Null)
        .bind(Param::Int(i64::MIN))
        .bind(Param::Flag(true))
        .bind(Param::text("Ção 🎉"))
        .bind(Param::text(long.clone()))
        .bind(Param::Uuid(7))
        .bind_all([Param::rowversion(258), Param::Binary(Vec::new())])
        .bind(Param::local_time(moment, &Zone::default()).unwrap());
    assert!(!format!("{statement:?}").contains("Ção"));
    assert_eq!(connection.execute(statement).await.unwrap().rows_affected, 9);
    let expected = vec![
        Value::Null,
        Value::Int(i64::MIN),
        Value::Bit(true),
        Value::text("Ção 🎉"),
        Value::text(long),
        Value::Guid(7),
        Value::rowversion(258),
        Value::Binary(Vec::new()),
        Value::text("1999-12-31T22:00:00.500000"),
    ];
    assert_eq!(server.statements_of("test:params")[0].params, expected);
}
