//! The scripts: installed, installed again, switched, reduced, uninstalled.

use mare::core::time::Timestamp;
use mare::live::sqlserver::{Param, SqlServerSettings, Statement};
use mare::mapping::config::{MappingConfig, Role};
use mare::source::changelog::form::Form;
use mare::source::changelog::sqlserver::check::Check;
use mare::source::changelog::sqlserver::install::{Wanted, Way, look, prepare};
use mare::source::changelog::sqlserver::run::run;
use mare::source::changelog::sqlserver::script::{self, Objects};
use mare::source::changelog::sqlserver::statements as ask;
use mare::source::changelog::sqlserver::trigger::{Definition, judge};
use mare::source::changelog::sqlserver::uninstall::{keep_readers_out, uninstall_script};
use mare::source::changelog::versions::dialect::Mode;
use mare::source::finding::Severity;

use super::capture::Capture;
use super::site::{Site, note, site_with_shop, skip};

const SELL: &str = "UPDATE live.estoque_saldo SET quantidade = quantidade - 1
    WHERE id_sku IN (SELECT s.id FROM live.produto_sku AS s WHERE s.codigo = N'100001-01');";

async fn waiting(site: &Site, capture: &Capture) -> i64 {
    site.number(&format!("SELECT COUNT(*) FROM {};", capture.change_table(Role::Stock))).await
}

/// The switch: whether it is on, and how often it was turned.
async fn switched(site: &Site, capture: &Capture) -> (String, String) {
    let rows = site.rows(&ask::switch(&capture.names.schema)).await;
    (rows[0][0].clone().unwrap(), rows[0][1].clone().unwrap())
}

#[tokio::test]
async fn capture_comes_goes_and_can_be_switched() {
    let Some(site) = site_with_shop("install").await else { return };
    let capture = Capture::plan(&site, Form::Row).await;
    let refused = capture.install(&site).await;
    for refused in &refused {
        note(&refused.to_string());
    }
    assert!(site.is_babelfish || refused.is_empty(), "SQL Server takes all of it");
    assert_eq!(capture.found(&site).await, Objects::wanted(&capture.tables));
    for table in &capture.tables {
        let of = || [Param::text(table.schema.clone()), Param::text(table.table.clone())];
        let triggers = site.ask(ask::TRIGGERS, of()).await.unwrap();
        let ours = triggers.iter().find(|row| row[0].as_deref() == Some(&table.trigger)).unwrap();
        assert_eq!(ours[1].as_deref(), Some("0"), "switched on");
        let definition = ours[5].as_deref().unwrap();
        assert_eq!(judge(definition, table, "mare"), Definition::Current, "{definition}");
        if !site.is_babelfish {
            assert_eq!((ours[3].as_deref(), ours[4].as_deref()), (Some("1"), Some("1")), "recorded settings");
        }
        let owners = of().into_iter().chain([Param::text("mare")]);
        let owners = site.ask(ask::OWNERS, owners).await.unwrap();
        assert_eq!(owners[0][0], owners[0][1], "{}", table.table);
    }

    // Again, with a row waiting: it stays.
    site.change(SELL).await;
    let rows = waiting(&site, &capture).await;
    assert!(rows > 0);
    capture.install(&site).await;
    assert_eq!(waiting(&site, &capture).await, rows);

    assert_eq!(switched(&site, &capture).await, ("1".to_owned(), "0".to_owned()));
    for (on, trocas) in [(false, "1"), (false, "1"), (true, "2")] {
        run(&site.connection, &script::switch(&capture.names, on)).await.unwrap();
        assert_eq!(switched(&site, &capture).await, (i32::from(on).to_string(), trocas.to_owned()));
        let before = waiting(&site, &capture).await;
        site.change(SELL).await;
        assert_eq!(waiting(&site, &capture).await > before, on);
    }

    // A mapping without prices: their trigger goes, the others stay.
    let mut smaller = Capture::plan(&site, Form::Row).await;
    smaller.tables.retain(|table| table.role != Role::Price);
    smaller.install(&site).await;
    assert_eq!(smaller.found(&site).await, Objects::wanted(&smaller.tables));

    capture.uninstall(&site).await;
    assert_eq!(capture.found(&site).await, Objects::default());
    let installed = site.ask(ask::INSTALLED, [Param::text("mare")]).await.unwrap();
    assert_eq!(installed[0][0].as_deref(), Some("0"));
    assert_eq!(site.number("SELECT COUNT(*) FROM sys.schemas WHERE name = N'mare'").await, 0);
    let login =
        Statement::new("SELECT CONVERT(int, SUSER_ID(@P1))").bind(Param::text(capture.names.login.clone()));
    let login = site.connection.fetch(login).await.unwrap();
    assert_eq!(login.rows.row(0).unwrap().integer(0), None, "the login is gone");
    assert!(site.change(SELL).await > 0);
    capture.uninstall(&site).await;
    site.end().await;
}

#[tokio::test]
async fn the_login_of_the_service_can_do_its_work_and_no_more() {
    let Some(site) = site_with_shop("login").await else { return };
    let capture = Capture::installed(&site).await;
    let mut settings = site.settings.clone();
    settings.user.clone_from(&capture.names.login);
    settings.password = Some(super::site::PASSWORD.into());
    let service = mare::live::sqlserver::Connection::lazy(settings, ask::SESSION);
    site.change(SELL).await;
    let name = capture.change_table(Role::Stock);
    let count = format!("SELECT COUNT(*) FROM {name};");
    assert!(super::site::ask(&service, &count, []).await.unwrap()[0][0].as_deref() > Some("0"));
    for right in ["SELECT", "DELETE"] {
        let params = [Param::text(name.clone()), Param::text(right)];
        let may = super::site::ask(&service, ask::RIGHTS, params).await.unwrap();
        assert_eq!(may[0][0].as_deref(), Some("1"), "{right}");
    }
    let stock = capture.table(Role::Stock);
    assert!(
        super::site::ask(&service, &ask::page(stock, &stock.key[2], true), [Param::Int(5)])
            .await
            .unwrap()
            .len()
            == 5
    );
    for forbidden in [
        "UPDATE live.estoque_saldo SET quantidade = 0;",
        "SELECT nome FROM live.cliente;",
        "DELETE FROM [mare].[controle];",
    ] {
        assert!(service.execute(Statement::new(forbidden)).await.is_err(), "{forbidden}");
    }
    drop(service);
    capture.uninstall(&site).await;
    site.end().await;
}

/// As the commands do it, for each way of capture that the server has.
#[tokio::test]
async fn the_commands_install_check_and_remove() {
    for (name, way) in [
        ("cmd_triggers", Way::Triggers(Form::Row)),
        ("cmd_tracking", Way::Versions(Mode::Tracking)),
        ("cmd_polling", Way::Versions(Mode::RowVersions)),
    ] {
        let Some(site) = site_with_shop(name).await else { return };
        let mapping: MappingConfig = toml::from_str(
            "[[stores]]\nloja = \"001\"\nwarehouse = \"w\"\n[[prices]]\ntabela = \"VAREJO\"\nas = \"base\"",
        )
        .unwrap();
        let wanted = Wanted {
            login: site.database.clone(),
            database: site.database.clone(),
            captured: mapping.captured(),
            way,
        };
        let installation = prepare(&wanted, look(&site.connection, &wanted).await.unwrap()).unwrap();
        match run(&site.connection, &installation.script(Some(super::site::PASSWORD))).await {
            Ok(refused) => refused.iter().for_each(|refused| note(&refused.to_string())),
            Err(error) => {
                assert!(site.is_babelfish && way != Way::Triggers(Form::Row), "{way:?}: {error}");
                skip(&format!("{way:?}"), &format!("says {error}"));
                site.end().await;
                continue;
            }
        }
        // Again: what is there is no obstacle.
        let again = prepare(&wanted, look(&site.connection, &wanted).await.unwrap()).unwrap();
        run(&site.connection, &again.script(None)).await.unwrap();
        let settings = SqlServerSettings {
            user: wanted.login.clone(),
            password: Some(super::site::PASSWORD.into()),
            ..site.settings.clone()
        };
        let check = Check { settings: &settings, wanted: &wanted, mapping: &mapping, compare: None, now };
        for finding in check.run().await {
            if finding.severity > Severity::Ok {
                note(&format!("{way:?}: {finding:?}"));
            }
            assert!(site.is_babelfish || finding.severity < Severity::Error, "{way:?}: {finding:?}");
        }
        keep_readers_out(&site.connection, false).await.unwrap();
        let removal = uninstall_script(&site.connection, &wanted).await.unwrap();
        run(&site.connection, &removal).await.unwrap();
        assert!(look(&site.connection, &wanted).await.unwrap().objects == Objects::default());
        assert!(!look(&site.connection, &wanted).await.unwrap().login_exists, "the login is gone");
        site.end().await;
    }
}

fn now() -> Timestamp {
    Timestamp(jiff::Timestamp::now().as_microsecond())
}
