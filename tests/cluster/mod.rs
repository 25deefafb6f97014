//! A private Postgres cluster that lives as long as a test.

#![allow(clippy::unwrap_used, unreachable_pub, reason = "a panic is a failed test")]

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use mare::live::PostgresSettings;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

/// Where Debian puts the server's programs.
const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";
/// Small WAL segments, so that little WAL is enough to lose a slot.
const SEGMENT_MEGABYTES: &str = "1";
const PASSWORD: &str = "tide";
/// Besides SCRAM, which everybody else uses.
const OLD_LOGINS: &str = "host all with_md5 all md5\nhost all with_clear_text all password\n";

pub(crate) struct Cluster {
    folder: TempDir,
    port: u16,
}

/// An authority and a server certificate that it signed, in PEM form.
pub(crate) struct Certificates {
    pub(crate) authority: String,
    pub(crate) server: String,
    key: String,
}

impl Certificates {
    pub(crate) fn for_host(host: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        let server = params.signed_by(&key, &authority).unwrap();
        Self { authority: authority.pem(), server: server.pem(), key: key.serialize_pem() }
    }
}

impl Cluster {
    /// Starts a cluster with logical WAL; none, and a message, where Postgres is not installed.
    pub(crate) fn start(options: &[&str]) -> Option<Self> {
        let cluster = Self::create()?;
        cluster.launch(options);
        Some(cluster)
    }

    pub(crate) fn with_tls(certificates: &Certificates) -> Option<Self> {
        let cluster = Self::create()?;
        let certificate = cluster.file("server.crt", &certificates.server);
        let key = cluster.file("server.key", &certificates.key);
        run(Command::new("chmod").arg("600").arg(&key));
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(&key));
        }
        let path = |name: &str, path: &Path| format!("{name}={}", path.display());
        cluster.launch(&["ssl=on", &path("ssl_cert_file", &certificate), &path("ssl_key_file", &key)]);
        Some(cluster)
    }

    /// Superuser.
    pub(crate) fn admin(&self) -> PostgresSettings {
        self.settings("postgres")
    }

    /// The role of the daemon: LOGIN and REPLICATION.
    pub(crate) fn mare(&self) -> PostgresSettings {
        self.settings("mare")
    }

    /// Writes a file that the server can read.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn settings(&self, user: &str) -> PostgresSettings {
        let mut settings = PostgresSettings::new("127.0.0.1", "postgres", user);
        settings.port = self.port;
        settings.password = Some(PASSWORD.into());
        settings
    }

    fn create() -> Option<Self> {
        if !Path::new(PROGRAMS).is_dir() {
            eprintln!("SKIPPED: no Postgres in {PROGRAMS}");
            return None;
        }
        let folder = tempfile::Builder::new().prefix("mare-postgres-").tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(folder.path()));
        }
        let cluster = Self { folder, port };
        let password = cluster.file("password", PASSWORD);
        let arguments = ["-A", "scram-sha-256", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync"];
        run(program("initdb")
            .arg("-D")
            .arg(cluster.data())
            .arg("--pwfile")
            .arg(password)
            .arg(format!("--wal-segsize={SEGMENT_MEGABYTES}"))
            .args(arguments));
        let access = cluster.data().join("pg_hba.conf");
        let rules = fs::read_to_string(&access).unwrap();
        fs::write(&access, format!("{OLD_LOGINS}{rules}")).unwrap();
        Some(cluster)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn launch(&self, options: &[&str]) {
        let folder = self.folder.path().display();
        let port = format!("port={}", self.port);
        let sockets = format!("unix_socket_directories={folder}");
        let fixed = ["wal_level=logical", "fsync=off", "listen_addresses=localhost", &port, &sockets];
        let options: Vec<_> = fixed.iter().chain(options).map(|option| format!("-c {option}")).collect();
        let log = self.folder.path().join("data/log.txt");
        let mut start = program("pg_ctl");
        start.args(["-w", "-D"]).arg(self.data()).arg("-l").arg(log).arg("-o").arg(options.join(" "));
        run(start.arg("start"));
        let create = |role: &str| format!("create role {role} login replication password '{PASSWORD}'; ");
        let old = "set password_encryption = 'md5'; ";
        let roles = [&create("mare"), old, &create("with_md5"), &create("with_clear_text")].concat();
        let mut sql = program("psql");
        sql.env("PGPASSWORD", PASSWORD).args(["-qX", "-h", "127.0.0.1", "-U", "postgres", "-p"]);
        run(sql.arg(self.port.to_string()).arg("-c").arg(roles).arg("postgres"));
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let mut stop = program("pg_ctl");
        stop.args(["-m", "immediate", "-D"]).arg(self.data()).arg("stop");
        let _already_down = stop.output();
    }
}

/// A program of Postgres, which refuses to run as root.
fn program(name: &str) -> Command {
    let path = format!("{PROGRAMS}/{name}");
    let mut command = if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--", &path]);
        command
    } else {
        Command::new(path)
    };
    command.current_dir("/");
    command
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}

fn run(command: &mut Command) {
    // A server that inherits a pipe would keep it open: output goes to files or nowhere.
    let status = command.stdout(std::process::Stdio::null()).status().expect("the program to start");
    assert!(status.success(), "{command:?}: {status}");
}
