//! The reader's statements: bound, pages and delete of change rows.

use std::collections::BTreeSet;

use mare::live::sqlserver::Param;
use mare::mapping::config::Role;
use mare::source::changelog::sqlserver::statements as ask;

use super::capture::Capture;
use super::site::{Rows, Site, site_with_shop};

async fn bound(site: &Site, capture: &Capture) -> Option<u64> {
    let rows = site.rows(&ask::drain_bound("mare", &capture.tables)).await;
    rows.iter().filter_map(|row| Some(row[1].as_ref()?.parse().unwrap())).max()
}

/// All pages up to the bound.
async fn drain(site: &Site, capture: &Capture, most: i64) -> Rows {
    let text = ask::drain_page("mare", capture.table(Role::Stock), site.is_babelfish);
    let Some(limit) = bound(site, capture).await else { return Vec::new() };
    let (mut all, mut after) = (Rows::new(), 0);
    loop {
        let params = [Param::Int(most), Param::rowversion(after), Param::rowversion(limit)];
        let page = site.ask(&text, params).await.unwrap();
        let Some(last) = page.last() else { return all };
        assert!(site.is_babelfish || page.len() as i64 <= most);
        let last: u64 = last[0].as_ref().unwrap().parse().unwrap();
        assert!(last > after && last <= limit);
        after = last;
        all.extend(page);
    }
}

#[tokio::test]
async fn change_rows_are_read_once_and_deleted_exactly() {
    let Some(site) = site_with_shop("drain").await else { return };
    let capture = Capture::installed(&site).await;
    assert_eq!(bound(&site, &capture).await, None);
    for part in 0..6 {
        let text = format!(
            "UPDATE live.estoque_saldo SET quantidade = quantidade + 1 WHERE id_sku IN (SELECT s.id FROM live.produto_sku AS s WHERE s.codigo LIKE N'10000{part}-%');"
        );
        site.change(&text).await;
    }
    let count = format!("SELECT COUNT(*) FROM {};", capture.change_table(Role::Stock));
    let waiting = site.number(&count).await;
    let all = drain(&site, &capture, 7).await;
    assert!(waiting > 30 && all.len() as i64 == waiting, "every row once, ties or not: {waiting}");
    assert_eq!(drain(&site, &capture, 1_000).await, all);

    // Every other version, so that what stays lies between what goes.
    let versions: BTreeSet<u64> = all.iter().map(|row| row[0].as_ref().unwrap().parse().unwrap()).collect();
    let gone: BTreeSet<u64> = versions.into_iter().step_by(2).collect();
    let bytes = gone.iter().flat_map(|version| version.to_be_bytes()).collect();
    let params = [Param::Binary(bytes), Param::Int(gone.len() as i64)];
    site.ask(&ask::drain_delete("mare", capture.table(Role::Stock)), params).await.unwrap();
    let kept: Rows =
        all.into_iter().filter(|row| !gone.contains(&row[0].as_ref().unwrap().parse().unwrap())).collect();
    assert_eq!(drain(&site, &capture, 7).await, kept);
    capture.uninstall(&site).await;
    site.end().await;
}
