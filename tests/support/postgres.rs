//! A private Postgres in a temporary folder. Works as root (it runs as `postgres` then) and as anyone else.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tokio_postgres::{Client, NoTls};

/// A cluster that is gone when it is dropped.
pub struct Postgres {
    pub port: u16,
    bin: PathBuf,
    dir: tempfile::TempDir,
}

/// The newest installed server, or that of `MARE_TEST_PG_BIN`.
fn find_bin() -> PathBuf {
    if let Some(bin) = std::env::var_os("MARE_TEST_PG_BIN") {
        return bin.into();
    }
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, bin)| bin.join("initdb").exists())
        .collect();
    found.sort();
    found.pop().map(|(_, bin)| bin).expect(
        "no Postgres server found: run scripts/test, which installs it (or apt-get install postgresql; or set \
         MARE_TEST_PG_BIN to a folder with initdb and postgres)",
    )
}

fn am_root() -> bool {
    let output = Command::new("id").arg("-u").output().expect("id is on every Unix");
    output.stdout.trim_ascii() == b"0"
}

impl Postgres {
    pub fn start() -> Self {
        let bin = find_bin();
        let dir = tempfile::Builder::new().prefix("mare-pg-").tempdir_in("/tmp").unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        if am_root() {
            let owned = Command::new("chown").arg("postgres").arg(dir.path()).status().unwrap();
            assert!(owned.success(), "the folder must belong to the user postgres");
        }
        let this = Self { port, bin, dir };
        let data = this.data();
        this.run("initdb", &["-D", &data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync"]);
        let settings = format!(
            "port = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\nwal_level = logical\n\
             max_wal_senders = 20\nmax_replication_slots = 20\nmax_connections = 100\nfsync = off\n\
             autovacuum = off\nmax_wal_size = '4GB'\n",
        );
        let file = PathBuf::from(&data).join("postgresql.conf");
        let mut text = std::fs::read_to_string(&file).unwrap();
        text.push_str(&settings);
        std::fs::write(&file, text).unwrap();
        this.up();
        this
    }

    fn data(&self) -> String {
        self.dir.path().join("data").display().to_string()
    }

    fn command(&self, program: &str) -> Command {
        let path = self.bin.join(program);
        if am_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(path);
            command
        } else {
            Command::new(path)
        }
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let output = self.command(program).args(arguments).current_dir("/tmp").output().unwrap();
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    }

    pub fn up(&self) {
        let log = self.dir.path().join("log").display().to_string();
        let started = self
            .command("pg_ctl")
            .args(["-D", &self.data(), "-l", &log, "-w", "-t", "60", "start"])
            .current_dir("/tmp")
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(started.success(), "{}", std::fs::read_to_string(Path::new(&log)).unwrap_or_default());
    }

    pub fn down(&self) {
        let _ = self
            .command("pg_ctl")
            .args(["-D", &self.data(), "-m", "immediate", "-w", "stop"])
            .current_dir("/tmp")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }

    pub async fn connect(&self, database: &str) -> Client {
        let settings = format!("host=127.0.0.1 port={} user=postgres dbname={database}", self.port);
        let begun = Instant::now();
        loop {
            match tokio_postgres::connect(&settings, NoTls).await {
                Ok((client, connection)) => {
                    tokio::spawn(connection);
                    return client;
                }
                Err(error) if begun.elapsed() > Duration::from_secs(30) => panic!("{error}"),
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.down();
    }
}
