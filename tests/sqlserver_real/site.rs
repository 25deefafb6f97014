//! A database of its own on the server under test.

use std::io::Write as _;
use std::sync::Once;
use std::time::Duration;

use mare::core::row::Cell;
use mare::live::sqlserver::{Connection, Param, SqlError, SqlServerSettings, Statement};
use mare::shop::{self, Profile, SqlServer};

const VARIABLE: &str = "MARE_SQLSERVER_URL";
/// A login of the suite's may read and write test data, and nothing else.
pub(crate) const PASSWORD: &str = "Mare-alta.2-Mare-baixa.7";
/// The seed of every shop here.
pub(crate) const SEED: u64 = 0xFFFF_FFFF_FFFF_FF9C;

/// Cells as text; binary as hexadecimal digits.
pub(crate) type Rows = Vec<Vec<Option<String>>>;

pub(crate) struct Site {
    /// Of a login that may do everything, in the database of this test.
    pub(crate) connection: Connection,
    pub(crate) settings: SqlServerSettings,
    pub(crate) is_babelfish: bool,
    pub(crate) database: String,
    master: Connection,
}

/// Says what is not tested, past the test harness, which would keep it to itself.
pub(crate) fn skip(what: &str, lacks: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {what}: the server {lacks}");
}

/// Says what the server answered, where any answer is right.
pub(crate) fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "note: {text}");
}

/// A new database; none when no server is named.
pub(crate) async fn site(name: &str) -> Option<Site> {
    static SAID: Once = Once::new();
    let Ok(url) = std::env::var(VARIABLE) else {
        SAID.call_once(|| {
            let _ = writeln!(std::io::stderr(), "SKIPPED: {VARIABLE} is not set");
        });
        return None;
    };
    let mut settings =
        SqlServerSettings::from_url(&url).unwrap_or_else(|error| panic!("{VARIABLE}: {error}"));
    // No test may pass because the server was given up; and to make a database can take long.
    settings.command_timeout_seconds = 300;
    let master = Connection::lazy(settings.clone(), "");
    let version = master.fetch(Statement::new("SELECT CONVERT(nvarchar(400), @@VERSION)")).await.unwrap();
    let is_babelfish = version.rows.row(0).unwrap().text(0).unwrap().contains("Babelfish");
    let database = format!("mare_suite_{name}");
    drop_database(&master, &database, is_babelfish).await.unwrap();
    master.execute(Statement::batch(format!("CREATE DATABASE [{database}];"))).await.unwrap();
    settings.database.clone_from(&database);
    let connection = Connection::lazy(settings.clone(), session(is_babelfish));
    Some(Site { connection, settings, is_babelfish, database, master })
}

/// A site with the reference Live in it.
pub(crate) async fn site_with_shop(name: &str) -> Option<Site> {
    let site = site(name).await?;
    shop::create(&site.shop().await, Profile::Demo, SEED).await.unwrap();
    Some(site)
}

/// Babelfish has settings that decide whether it refuses what it lacks or passes over it; we want the latter.
const fn hatches(is_babelfish: bool) -> &'static str {
    if is_babelfish { "EXECUTE sp_babelfish_configure '%', 'ignore';" } else { "" }
}

fn session(is_babelfish: bool) -> String {
    format!("SET XACT_ABORT ON; SET LOCK_TIMEOUT 20000; {}", hatches(is_babelfish))
}

async fn drop_database(master: &Connection, database: &str, is_babelfish: bool) -> Result<(), SqlError> {
    let exists = Statement::new("SELECT CONVERT(int, DB_ID(@P1))").bind(Param::text(database.to_owned()));
    let exists = master.fetch(exists).await?;
    if exists.rows.row(0).and_then(|row| row.integer(0)).is_none() {
        return Ok(());
    }
    if !is_babelfish {
        let alone = format!("ALTER DATABASE [{database}] SET SINGLE_USER WITH ROLLBACK IMMEDIATE;");
        master.execute(Statement::batch(alone)).await?;
    }
    master.execute(Statement::batch(format!("DROP DATABASE [{database}];"))).await.map(drop)
}

impl Site {
    /// Another login to the same database.
    pub(crate) fn another(&self) -> Connection {
        Connection::lazy(self.settings.clone(), session(self.is_babelfish))
    }

    pub(crate) async fn shop(&self) -> SqlServer {
        SqlServer::connect_with(self.settings.clone(), hatches(self.is_babelfish)).await.unwrap()
    }

    pub(crate) async fn batch(&self, text: &str) {
        self.connection
            .execute(Statement::batch(text.to_owned()))
            .await
            .unwrap_or_else(|error| panic!("{error}\n{text}"));
    }

    /// Rows that a statement changed.
    pub(crate) async fn change(&self, text: &str) -> u64 {
        let done = self.connection.execute(Statement::new(text.to_owned())).await;
        done.unwrap_or_else(|error| panic!("{error}\n{text}")).rows_affected
    }

    pub(crate) async fn rows(&self, text: &str) -> Rows {
        self.ask(text, []).await.unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    pub(crate) async fn ask(
        &self,
        text: &str,
        params: impl IntoIterator<Item = Param>,
    ) -> Result<Rows, SqlError> {
        ask(&self.connection, text, params).await
    }

    /// The only number of an answer.
    pub(crate) async fn number(&self, text: &str) -> i64 {
        self.rows(text).await[0][0].as_ref().unwrap().parse().unwrap()
    }

    /// Drops the database.
    pub(crate) async fn end(self) {
        let Self { connection, master, database, is_babelfish, .. } = self;
        drop(connection);
        // The server needs a moment to see that the connections are gone.
        for _ in 0..20 {
            if drop_database(&master, &database, is_babelfish).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        note(&format!("database {database} could not be dropped; the next run does it"));
    }
}

pub(crate) async fn ask(
    connection: &Connection,
    text: &str,
    params: impl IntoIterator<Item = Param>,
) -> Result<Rows, SqlError> {
    let fetched = connection.fetch(Statement::new(text.to_owned()).bind_all(params)).await?;
    let cell = |cell: Cell<'_>| match cell {
        Cell::Text(bytes) => Some(String::from_utf8(bytes.to_vec()).unwrap()),
        Cell::Binary(bytes) => Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect()),
        Cell::Null | Cell::Unchanged => None,
    };
    Ok(fetched.rows.rows().map(|row| row.cells().map(cell).collect()).collect())
}
