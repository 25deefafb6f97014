//! Somebody who is anonymised in Live leaves nothing in VTEX, and comes back by nothing.

use std::time::Duration;

use mare::core::entity::Entity;
use mare::core::value::Value;
use mare::simulator::{ErasureOutcome, ErasureState, Fault, FaultKind, MasterDataOptions, Permission};

use crate::shop::{Shop, address, key, person, said};

async fn with_customer(master_data: MasterDataOptions) -> (Shop, mare::mapping::people::PersonRows) {
    let mut shop = Shop::with(master_data).await;
    let mut rows = person("77", "Ana Souza");
    rows.addresses = vec![address("a1", "Rua A")];
    rows.consents.push(said("MARKETING_EMAIL", 1, 2));
    shop.change(&rows);
    shop.settle().await;
    assert!(!shop.world().mentions("cliente77@example.com").is_empty());
    rows.customer.erased = true;
    (shop, rows)
}

/// Nothing that names the person is left on either side.
fn assert_forgotten(shop: &Shop) {
    for secret in ["cliente77", "Souza", "52998224725", "Rua A"] {
        assert_eq!(shop.world().mentions(secret), [""; 0], "{secret}");
    }
    assert_eq!(shop.world().brought_back_after_erasure(), [""; 0]);
    assert!(shop.ids.is_empty() && shop.amended.is_empty(), "{:?} {:?}", shop.ids, shop.amended);
    assert!(shop.confirmed.values().all(|confirmed| confirmed.value == Value::Erased));
}

#[tokio::test]
async fn an_anonymised_customer_leaves_nothing() {
    let takes =
        MasterDataOptions { erasure_takes: Duration::from_millis(30), ..MasterDataOptions::default() };
    let (mut shop, rows) = with_customer(takes).await;
    shop.change(&rows);
    shop.settle().await;
    assert_forgotten(&shop);
    // One for the customer, and one for the consent, which may have made the customer known.
    assert!((1..=2).contains(&shop.world().erasures().len()), "{:?}", shop.world().erasures());
    shop.change(&rows);
    shop.settle().await;
    assert_forgotten(&shop);
}

#[tokio::test]
async fn a_change_that_waits_does_not_bring_the_customer_back() {
    let (mut shop, rows) = with_customer(MasterDataOptions::default()).await;
    let mut before = rows.clone();
    before.customer.erased = false;
    before.customer.name = "Ana Lima".to_owned();
    before.consents.push(said("MARKETING_EMAIL", 3, 9));
    let fault = Fault { count: Some(4), ..Fault::new(FaultKind::Unavailable) };
    shop.world().set_faults(vec![fault]);
    shop.change(&before);
    for _ in 0..3 {
        shop.turn().await;
    }
    shop.change(&rows);
    shop.settle().await;
    assert_forgotten(&shop);
}

#[tokio::test]
async fn an_erasure_survives_whatever_goes_wrong() {
    for (kind, applied) in [
        (FaultKind::ErrorAfter, false),
        (FaultKind::Reset, true),
        (FaultKind::Hang, true),
        (FaultKind::Malformed, true),
        (FaultKind::Unavailable, false),
    ] {
        let takes =
            MasterDataOptions { erasure_takes: Duration::from_millis(10), ..MasterDataOptions::default() };
        let (mut shop, rows) = with_customer(takes).await;
        shop.world().set_faults(vec![Fault {
            probability: 0.5,
            applied,
            count: Some(8),
            ..Fault::new(kind)
        }]);
        shop.change(&rows);
        shop.settle().await;
        // A job whose id was lost on the way ends by itself.
        tokio::time::sleep(Duration::from_millis(30)).await;
        assert_forgotten(&shop);
    }
}

#[tokio::test]
async fn an_account_without_erasure_says_so_and_can_be_told_again() {
    let (mut shop, rows) = with_customer(MasterDataOptions::default()).await;
    shop.world().set_erasure(Duration::ZERO, ErasureOutcome::NotOffered);
    shop.change(&rows);
    shop.settle().await;
    let parked = shop.amended[&key(Entity::Customer, "77")].parked.clone().unwrap();
    assert!(parked.hint.starts_with("E326"), "{parked:?}");
    shop.world().set_erasure(Duration::ZERO, ErasureOutcome::Success);
    retry(&mut shop).await;
    assert_forgotten(&shop);
}

#[tokio::test]
async fn a_failed_erasure_is_begun_anew_by_a_retry() {
    let (mut shop, rows) = with_customer(MasterDataOptions::default()).await;
    shop.world().set_erasure(Duration::ZERO, ErasureOutcome::Failed);
    shop.change(&rows);
    shop.settle().await;
    assert!(shop.amended[&key(Entity::Customer, "77")].parked.is_some());
    assert!(shop.world().erasures().iter().all(|(_, state)| *state == ErasureState::Failed));
    shop.world().set_erasure(Duration::ZERO, ErasureOutcome::Success);
    retry(&mut shop).await;
    assert_forgotten(&shop);
}

#[tokio::test]
async fn without_the_right_to_erase_nothing_is_parked() {
    let (mut shop, rows) = with_customer(MasterDataOptions::default()).await;
    shop.world().deny(vec![Permission::EraseUsers]);
    shop.change(&rows);
    for _ in 0..10 {
        shop.turn().await;
    }
    assert!(shop.amended.values().all(|dirty| dirty.parked.is_none()), "{:?}", shop.amended);
    assert!(!shop.dispatch.is_idle(), "it waits for the right");
}

#[tokio::test]
async fn whoever_was_made_known_a_moment_ago_is_forgotten_too() {
    for turns in 0..8 {
        for applied in [false, true] {
            let mut shop = Shop::open().await;
            let mut rows = person("77", "Ana Souza");
            rows.addresses = vec![address("a1", "Rua A"), address("a2", "Rua B")];
            rows.consents.push(said("MARKETING_EMAIL", 1, 2));
            let reset = Fault { applied, count: Some(3), probability: 0.5, ..Fault::new(FaultKind::Reset) };
            shop.world().set_faults(vec![reset]);
            shop.change(&rows);
            for _ in 0..turns {
                shop.turn().await;
            }
            rows.customer.erased = true;
            shop.change(&rows);
            shop.settle().await;
            assert_forgotten(&shop);
        }
    }
}

#[tokio::test]
async fn whoever_is_deleted_in_live_leaves_nothing_with_us_and_vtex_keeps_what_it_has() {
    // At rest, on the way, while VTEX is away, and with something that was refused.
    for turns in [None, Some(0), Some(1), Some(2), Some(4)] {
        let (mut shop, mut rows) = with_customer(MasterDataOptions::default()).await;
        rows.customer.erased = false;
        let held = shop.world().document_count("CL") + shop.world().document_count("AD");
        if let Some(turns) = turns {
            rows.customer.name = "Ana Lima".to_owned();
            rows.consents.push(said("MARKETING_EMAIL", 3, 9));
            shop.world().set_faults(vec![Fault { count: Some(3), ..Fault::new(FaultKind::Unavailable) }]);
            shop.change(&rows);
            for _ in 0..turns {
                shop.turn().await;
            }
        }
        shop.delete("77");
        shop.settle().await;
        assert_eq!(shop.world().document_count("CL") + shop.world().document_count("AD"), held, "{turns:?}");
        let opted_in = shop.world().documents("CL")[0]["isNewsletterOptIn"] == true;
        assert_eq!(opted_in, turns.is_none(), "{turns:?}: what was taken back before arrives all the same");
        assert!(shop.world().erasures().is_empty(), "{turns:?}: nobody asked for it");
        assert!(shop.ids.is_empty() && shop.amended.is_empty(), "{:?} {:?}", shop.ids, shop.amended);
        assert!(
            shop.confirmed.values().all(|confirmed| confirmed.value == Value::Released(None)),
            "{turns:?}"
        );
        // Typed in again.
        shop.change(&rows);
        shop.settle().await;
        assert_eq!(shop.world().document_count("CL"), 1, "{turns:?}");
    }
}

#[tokio::test]
async fn whoever_was_never_sent_is_erased_without_a_request() {
    let mut shop = Shop::open().await;
    let mut rows = person("77", "Ana Souza");
    rows.customer.erased = true;
    shop.change(&rows);
    shop.settle().await;
    assert!(shop.world().erasures().is_empty());
}

async fn retry(shop: &mut Shop) {
    let mut effects = Vec::new();
    let now = shop.now();
    shop.dispatch.retry_parked(|_, _| true, now, &mut effects);
    shop.settle().await;
}
