//! Open transactions: what is read while they last, and who gives way in a deadlock.

use mare::live::sqlserver::{ErrorClass, Param, Statement};
use mare::mapping::config::Role;
use mare::source::changelog::sqlserver::statements as ask;

use super::capture::Capture;
use super::site::{Site, site_with_shop, skip};

/// Two sales of one row each, by the whole key: on a server that reads with locks, nothing else is looked at.
async fn sales(site: &Site) -> [Statement; 2] {
    let rows = site
        .rows("SELECT TOP (2) id_loja, id_deposito, id_sku FROM live.estoque_saldo ORDER BY id_loja, id_deposito, id_sku;")
        .await;
    [0, 1].map(|row| {
        let key = rows[row].iter().map(|part| Param::text(part.clone().unwrap()));
        Statement::new(
            "UPDATE live.estoque_saldo SET quantidade = quantidade - 1 WHERE id_loja = CAST(@P1 AS uniqueidentifier)
             AND id_deposito = CAST(@P2 AS uniqueidentifier) AND id_sku = CAST(@P3 AS uniqueidentifier);",
        )
        .bind_all(key)
    })
}

#[tokio::test]
async fn a_row_of_a_long_transaction_comes_after_it_and_is_not_lost() {
    let Some(site) = site_with_shop("order").await else { return };
    let capture = Capture::installed(&site).await;
    let stock = capture.table(Role::Stock);
    let [one, other] = sales(&site).await;
    let late = site.another();
    let transaction = late.begin().await.unwrap();
    let first = transaction.execute(one).await.unwrap().rows_affected;
    let second = site.connection.execute(other).await.unwrap().rows_affected;
    assert!(first > 0 && second > 0);
    let all = || [Param::Int(1_000), Param::rowversion(0), Param::rowversion(u64::MAX >> 1)];
    let page = ask::drain_page("mare", stock, site.is_babelfish);
    let seen = site.ask(&page, all()).await.unwrap();
    assert_eq!(seen.len() as u64, second, "rows of an open transaction are not seen");

    // The delete takes what was read, and waits for nobody.
    let mut versions: Vec<u64> = seen.iter().map(|row| row[0].as_ref().unwrap().parse().unwrap()).collect();
    versions.dedup();
    let bytes = versions.iter().flat_map(|version| version.to_be_bytes()).collect();
    let params = [Param::Binary(bytes), Param::Int(versions.len() as i64)];
    site.ask(&ask::drain_delete("mare", stock), params).await.unwrap();

    // Whether READPAST does anything shows in a row that was there before and is being changed.
    let changing = Statement::new("UPDATE live.loja SET numero = N'x' WHERE codigo = N'001';");
    transaction.execute(changing).await.unwrap();
    let past =
        site.number("SELECT COUNT(*) FROM live.loja WITH (READCOMMITTEDLOCK, READPAST, ROWLOCK);").await;
    if past == 2 {
        skip("rows that are locked are passed by", "ignores READPAST and reads them as they were");
    } else {
        assert_eq!(past, 1);
    }
    transaction.commit().await.unwrap();
    assert_eq!(site.ask(&page, all()).await.unwrap().len() as u64, first, "what came late is read now");
    drop(late);
    capture.uninstall(&site).await;
    site.end().await;
}

#[tokio::test]
async fn one_side_of_a_deadlock_is_told_so() {
    let Some(site) = site_with_shop("deadlock").await else { return };
    let [this, that] = sales(&site).await;
    let (one, other) = (site.another(), site.another());
    let (a, b) = (one.begin().await.unwrap(), other.begin().await.unwrap());
    a.execute(this.clone()).await.unwrap();
    b.execute(that.clone()).await.unwrap();
    // The victim's locks go with it, and let the other one on.
    let (first, second) = tokio::join!(a.execute(that), b.execute(this));
    let failed: Vec<_> = [first, second].into_iter().filter_map(Result::err).collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(failed[0].class(), ErrorClass::Deadlock, "{failed:?}");
    drop((a, b, one, other));
    site.end().await;
}
