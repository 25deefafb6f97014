//! The commands themselves.

use std::path::Path;
use std::process::{Command, Output};

use mare::simulator::{Limits, Options as VtexOptions, Simulator};
use mare::source::changelog::form::Form;
use mare::source::changelog::sqlserver::script::{self, Objects};
use tempfile::TempDir;

use crate::facts::{names, tables};
use crate::live::{self, Live};
use crate::tds::{Failure, Fault, Options, Server};

struct Site {
    folder: TempDir,
    server: Server,
    vtex: mare::simulator::Handle,
}

impl Site {
    async fn new(live: Live) -> Self {
        // The user who installs is the only one whom this server knows.
        let server = live::start(live, Options::default()).await;
        let warehouses = vec!["w".to_owned()];
        let limits = Limits::unlimited();
        let vtex =
            Simulator::start(VtexOptions { warehouses, auto_skus: true, limits, ..VtexOptions::default() });
        let site = Self { folder: tempfile::tempdir().unwrap(), server, vtex: vtex.await.unwrap() };
        std::fs::write(site.path().join("token"), "simulator-token").unwrap();
        let (url, pricing) = (site.vtex.base_url(), site.vtex.pricing_url());
        let text = format!(
            "state_dir = \"state\"\n[vtex]\naccount = \"simulator\"\ncatalog_url = \"{url}\"\nlogistics_url = \"{url}\"\n\
             pricing_url = \"{pricing}\"\napp_token = \"file:{token}\"\n\
             [[source]]\nengine = \"sqlserver\"\nhost = \"localhost\"\nport = {port}\ndatabase = \"live\"\nuser = \"mare\"\n\
             tls = \"disable\"\n[mapping]\n[[mapping.stores]]\nloja = \"001\"\nwarehouse = \"w\"\n\
             [[mapping.prices]]\ntabela = \"VAREJO\"\nas = \"base\"\n",
            token = site.path().join("token").display(),
            port = site.server.port(),
        );
        std::fs::write(site.path().join("mare.toml"), text).unwrap();
        site
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    async fn run(&self, arguments: &[&str], environment: &[(&str, &str)]) -> (bool, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mare"));
        command
            .args(arguments)
            .current_dir(self.path())
            .env("MARE_CONFIG", self.path().join("mare.toml"))
            .env("MARE_VTEX_APP_KEY", "vtexappkey-simulator")
            .env("MARE_INSTALL_USER", "mare")
            .env("SQLCMDPASSWORD", "tide")
            .env_remove("MARE_DB_PASSWORD")
            .envs(environment.iter().copied());
        let output: Output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.success(), text(output.stdout), text(output.stderr))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn install_shows_or_does_it_and_says_what_was_done() {
    let site = Site::new(Live::bare()).await;
    let secret = [("MARE_DB_PASSWORD", "low tide")];
    let (done, shown, error) = site.run(&["install", "--dry-run"], &secret).await;
    assert!(done && !shown.contains("tide") && shown.contains("N'***'"), "{shown}{error}");
    let script = script::install(&names(), &tables(Form::Row), &Objects::default(), None);
    assert_eq!(shown.trim_end(), script.trim_end());

    let (done, _, error) = site.run(&["install"], &[]).await;
    assert!(!done && error.contains("the new login \"mare\" needs a password"), "{error}");
    let (done, _, error) = site.run(&["install", "--password-env", "NOWHERE"], &secret).await;
    assert!(!done && error.contains("set SQLCMDPASSWORD"), "{error}");

    let script = script::install(&names(), &tables(Form::Row), &Objects::default(), Some("low tide"));
    live::take(&site.server, &script);
    site.server.fault("mare:optional", Fault::Fail(Failure::new(102, 15, "Incorrect syntax.")));
    let (done, said, error) = site.run(&["install"], &secret).await;
    assert!(done, "{error}");
    assert!(said.contains("live: left out, because the server refused it"), "{said}");
    assert!(said.contains(
        "live: 7 tables captured by triggers into schema \"mare\", login \"mare\". Next: mare check"
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn uninstall_shows_or_does_it() {
    let live = Live::installed();
    let script = script::uninstall(&names(), &live.objects());
    let site = Site::new(live).await;
    let (done, shown, _) = site.run(&["uninstall", "--dry-run"], &[]).await;
    assert!(done && shown.trim_end() == script.trim_end(), "{shown}");
    live::take(&site.server, &script);
    let (done, said, error) = site.run(&["uninstall"], &[]).await;
    assert!(done && said.contains("triggers, change tables, rights and login are removed"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn check_succeeds_where_nothing_is_wrong_and_fails_where_something_is() {
    let password = [("MARE_DB_PASSWORD", "tide")];
    let site = Site::new(Live::installed()).await;
    let (works, shown, error) = site.run(&["check"], &password).await;
    assert!(works && shown.contains("✓ triggers"), "{shown}{error}");
    assert!(shown.contains("! encryption") && shown.contains("0 errors, "), "{shown}");
    let site = Site::new(Live::bare()).await;
    let (works, shown, _) = site.run(&["check"], &password).await;
    assert!(!works && shown.contains("✗ capture") && shown.contains("→ mare install"), "{shown}");
}
