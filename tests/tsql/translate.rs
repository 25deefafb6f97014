//! Our T-SQL, word for word in Postgres: enough of it to run what CI has no SQL Server for. What the two engines do
//! differently (locks, row versions, collations) it cannot show.

use tokio_postgres::Client;

/// What Postgres lacks.
const FUNCTIONS: &str = r"
CREATE FUNCTION hashbytes(kind text, what text) RETURNS bytea LANGUAGE sql AS
    $$ SELECT CASE kind WHEN 'MD5' THEN decode(md5(what), 'hex') ELSE sha256(convert_to(what, 'UTF8')) END $$;
CREATE FUNCTION hexadecimal(what bytea, style int) RETURNS text LANGUAGE sql AS $$ SELECT upper(encode(what, 'hex')) $$;
CREATE FUNCTION number(what bytea) RETURNS bigint LANGUAGE sql AS
    $$ SELECT ('x' || lpad(encode(what, 'hex'), 16, '0'))::bit(64)::bigint $$;
CREATE FUNCTION stuff(what text, start int, length int, instead text) RETURNS text LANGUAGE sql AS
    $$ SELECT left(what, start - 1) || instead || substr(what, start + length) $$;
CREATE FUNCTION replicate(what text, times int) RETURNS text LANGUAGE sql AS $$ SELECT repeat(what, times) $$;
CREATE FUNCTION choose(which bigint, VARIADIC these text[]) RETURNS text LANGUAGE sql AS $$ SELECT these[which] $$;
CREATE FUNCTION choose(which bigint, VARIADIC these numeric[]) RETURNS numeric LANGUAGE sql AS $$ SELECT these[which] $$;
CREATE FUNCTION dateadd_day(days int, day date) RETURNS date LANGUAGE sql AS $$ SELECT day + days $$;
CREATE FUNCTION dateadd_day(days int, at timestamp) RETURNS timestamp LANGUAGE sql AS $$ SELECT at + days * interval '1 day' $$;
CREATE FUNCTION datediff_day(first date, last timestamp) RETURNS bigint LANGUAGE sql AS $$ SELECT last::date - first $$;
CREATE FUNCTION datediff_millisecond(first date, last timestamp) RETURNS bigint LANGUAGE sql AS
    $$ SELECT (extract(epoch FROM last - first::timestamp) * 1000)::bigint $$;
CREATE FUNCTION textual(id uuid) RETURNS text LANGUAGE sql AS $$ SELECT upper(id::text) $$;
CREATE FUNCTION sysdatetime() RETURNS timestamp LANGUAGE sql AS $$ SELECT clock_timestamp()::timestamp $$;
";

pub(crate) async fn prepare(client: &Client) {
    client.batch_execute(FUNCTIONS).await.unwrap();
}

/// The reference Live of Postgres with the types of SQL Server where they differ: flags are numbers, times are local.
pub(crate) fn schema() -> String {
    include_str!("../../sql/live/postgres/schema.sql")
        .replace("boolean", "smallint")
        .replace("DEFAULT false", "DEFAULT 0")
        .replace("DEFAULT true", "DEFAULT 1")
        .replace("WHERE ind_ativa;", "WHERE ind_ativa = 1;")
        .replace("timestamptz", "timestamp(3)")
}

/// A query or an INSERT.
pub(crate) fn statement(text: &str) -> String {
    let mut text = text.replace(['[', ']'], "\"").replace(" N'", " '").replace("(N'", "('");
    for (ours, theirs) in [
        ("#", "tmp_"),
        ("CROSS APPLY (", "CROSS JOIN LATERAL ("),
        ("CROSS APPLY ", "CROSS JOIN LATERAL "),
        ("CAST(SUBSTRING(h.x, ", "number(SUBSTRING(h.x, "),
        (" 4) AS bigint)", " 4))"),
        ("CONVERT(char(32), ", "hexadecimal("),
        ("CONVERT(char(64), ", "hexadecimal("),
        ("CONVERT(char(36), ", "textual("),
        ("CAST(SUBSTRING(HASHBYTES(", "number(SUBSTRING(HASHBYTES("),
        (", 1, 1) AS int)", ", 1, 1))"),
        ("CONVERT(varbinary(8000), ", "textsend("),
        ("DATEADD(day, ", "dateadd_day("),
        ("DATEDIFF(day, ", "datediff_day("),
        ("DATEDIFF(millisecond, ", "datediff_millisecond("),
        ("uniqueidentifier", "uuid"),
        ("datetime2", "timestamp"),
        ("'9999-12-31T00:00:00'", "timestamp '9999-12-31 00:00:00'"),
        ("'2035-01-01T00:00:00'", "timestamp '2035-01-01 00:00:00'"),
        ("'2025-01-01T00:00:00'", "timestamp '2025-01-01 00:00:00'"),
        ("'2024-03-01T09:00:00'", "timestamp '2024-03-01 09:00:00'"),
    ] {
        text = text.replace(ours, theirs);
    }
    top_to_limit(&text)
}

/// `SELECT TOP (n) … ORDER BY …` of the whole statement.
fn top_to_limit(text: &str) -> String {
    let Some((before, rest)) = text.split_once("SELECT TOP (") else { return text.to_owned() };
    let (count, rest) = rest.split_once(") ").unwrap();
    assert!(!rest.contains("TOP ("), "one TOP of the whole statement");
    format!("{before}SELECT {} LIMIT {count}", rest.trim_end().trim_end_matches(';'))
}

/// `CREATE FUNCTION`: parameters keep their names with `p_` for `@`.
pub(crate) fn function(text: &str) -> String {
    let text = statement(text).replace('@', "p_");
    let (head, body) = text.split_once(" AS\n").unwrap();
    let columns = match head {
        _ if head.contains("mare_draw") => "(d0 bigint, d1 bigint, d2 bigint, d3 bigint)",
        _ if head.contains("mare_gtin") => "(gtin text)",
        _ if head.contains("mare_cpf") => "(cpf text)",
        _ => "",
    };
    let head = head.replace("RETURNS TABLE", &format!("RETURNS TABLE {columns}"));
    let body = body.replace("BEGIN\n", "").replace("END;", "").trim().replacen("RETURN", "", 1);
    let select = if columns.is_empty() { "SELECT" } else { "" };
    format!("{head} LANGUAGE sql AS $$ {select} {body} $$;")
}
