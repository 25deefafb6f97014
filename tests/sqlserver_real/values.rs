//! Every column type, from its declaration to the text that the mapping reads. The zone is São Paulo's.

use mare::live::sqlserver::Param;

use super::site::site;

const TYPES: &[(&str, &str, &str)] = &[
    ("bit", "1", "t"),
    ("tinyint", "255", "255"),
    ("smallint", "-32768", "-32768"),
    ("int", "-2147483648", "-2147483648"),
    ("bigint", "-9223372036854775808", "-9223372036854775808"),
    ("decimal(15,4)", "-0.0001", "-0.0001"),
    ("decimal(38,10)", "9999999999999999999999999999.9999999999", "9999999999999999999999999999.9999999999"),
    ("real", "0.5", "0.5"),
    ("float", "-1.25", "-1.25"),
    ("uniqueidentifier", "6F9619FF-8B86-D011-B42D-00C04FC964FF", "6f9619ff-8b86-d011-b42d-00c04fc964ff"),
    ("nvarchar(40)", "Ção 漢字 🎉", "Ção 漢字 🎉"),
    ("nvarchar(max)", "à vista", "à vista"),
    ("varchar(20)", "UN", "UN"),
    ("char(4)", "SP", "SP  "),
    ("date", "2026-07-01", "2026-07-01"),
    ("time(3)", "12:00:00.125", "12:00:00.125"),
    ("datetime2(3)", "2026-07-01T12:00:00.125", "2026-07-01 15:00:00.125+00"),
    ("datetime2(3)", "2018-12-01T12:00:00", "2018-12-01 14:00:00+00"),
    ("datetime2(3)", "9999-12-31T00:00:00", "infinity"),
    ("datetime", "2026-07-01T00:00:00.997", "2026-07-01 03:00:00.997+00"),
    ("smalldatetime", "2026-07-01T01:01:00", "2026-07-01 04:01:00+00"),
    ("datetimeoffset(3)", "2026-07-01T12:00:00-03:00", "2026-07-01 15:00:00+00"),
];

#[tokio::test]
async fn every_type_is_read_as_it_was_written() {
    let Some(site) = site("values").await else { return };
    let mut wrong = Vec::new();
    for (index, (declared, written, read)) in TYPES.iter().enumerate() {
        site.batch(&format!("CREATE TABLE dbo.tipo_{index} (id int NOT NULL, valor {declared} NULL);")).await;
        // A parameter travels as text; a null is written out.
        let insert = format!(
            "INSERT INTO dbo.tipo_{index} (id, valor) VALUES (1, CAST(@P1 AS {declared})), (2, NULL);"
        );
        if let Err(error) = site.ask(&insert, [Param::text(*written)]).await {
            wrong.push(format!("{declared}: {error}"));
            continue;
        }
        let rows = site.rows(&format!("SELECT valor FROM dbo.tipo_{index} ORDER BY id;")).await;
        if rows != [[Some((*read).to_owned())], [None]] {
            wrong.push(format!("{declared}: {written} is read as {rows:?}"));
        }
    }
    let money = site
        .ask("SELECT CAST(CAST(@P1 AS money) AS decimal(19, 4))", [Param::text("922337203685477.5807")])
        .await
        .unwrap();
    assert_eq!(money[0][0].as_deref(), Some("922337203685477.5807"));
    assert!(wrong.is_empty(), "{wrong:#?}");
    site.end().await;
}
