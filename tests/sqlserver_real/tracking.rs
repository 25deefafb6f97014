//! Capture without triggers, where the server has it.

use mare::live::sqlserver::Param;
use mare::mapping::config::{MappingConfig, Role};
use mare::source::changelog::form::Form;
use mare::source::changelog::sqlserver::run::run;
use mare::source::changelog::sqlserver::script;
use mare::source::changelog::sqlserver::statements as ask;

use super::capture::Capture;
use super::site::{PASSWORD, site_with_shop, skip};

#[tokio::test]
async fn change_tracking_tells_what_changed_and_what_is_gone() {
    let Some(site) = site_with_shop("tracking").await else { return };
    let capture = Capture::plan(&site, Form::Row).await;
    let install = script::tracking_install(&capture.names, &capture.tables, Some(PASSWORD));
    if let Err(error) = run(&site.connection, &install).await {
        assert!(site.is_babelfish, "{error}");
        skip("change tracking", &format!("has none: {error}"));
        return site.end().await;
    }
    run(&site.connection, &install).await.unwrap();
    let version =
        || async { site.rows(ask::TRACKING_VERSION).await[0][0].as_ref().unwrap().parse::<i64>().unwrap() };
    let from = version().await;
    let price = capture.table(Role::Price);
    let keys = site.rows("SELECT TOP (2) id FROM live.preco ORDER BY id;").await;
    let [changed, gone] = [0, 1].map(|row: usize| keys[row][0].clone().unwrap());
    site.change(&format!("UPDATE live.preco SET valor = valor + 1 WHERE id = '{changed}';")).await;
    site.change(&format!("DELETE FROM live.preco WHERE id = '{gone}';")).await;
    let mark = ask::tracking_mark();
    site.change(&format!("{mark}UPDATE live.preco SET valor = valor + 1 WHERE id <> '{changed}';")).await;
    let until = version().await;
    assert!(until > from);
    let params = [Param::Int(from), Param::Int(until)];
    let rows = site.ask(&ask::tracking_changes(price), params).await.unwrap();
    let mut seen: Vec<_> =
        rows.iter().map(|row| (row[1].clone().unwrap(), row[2].clone().unwrap())).collect();
    seen.sort();
    assert_eq!(
        seen,
        [("D".to_owned(), gone), ("U".to_owned(), changed)],
        "and nothing that we wrote ourselves"
    );
    let captured = serde_json::from_str::<MappingConfig>("{}").unwrap().captured();
    let minimum = site.rows(&ask::tracking_minimum(price)).await;
    assert!(minimum[0][0].as_ref().unwrap().parse::<i64>().unwrap() <= from);
    run(&site.connection, &script::tracking_uninstall(&capture.names, &captured)).await.unwrap();
    site.end().await;
}
