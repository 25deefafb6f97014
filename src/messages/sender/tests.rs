use super::*;
use crate::core::order::Step;
use crate::messages::outbox::tests::{Rig, now, webhook};

const STEPS: [&str; 4] = ["recebido", "faturado", "despachado", "entregue"];

fn keys(due: &[Due]) -> Vec<String> {
    due.iter().map(|(_, message)| message.idempotency_key()).collect()
}

#[test]
fn messages_about_an_order_wait_for_each_other_and_for_no_other_order() {
    let rig = Rig::new();
    let outbox = rig.open(vec![Webhook { concurrency: 9, ..webhook("sms", &STEPS) }]).unwrap();
    let sms = &outbox.parts.webhooks[0];
    let look = |admission| outbox.due(sms, now(), admission).unwrap();
    assert_eq!(look(Admission::Normal), (Vec::new(), None));
    for step in [Step::Received, Step::Invoiced] {
        rig.see(&outbox, "1-01", step, now());
        rig.see(&outbox, "2-01", step, now());
    }
    let (due, _) = look(Admission::Normal);
    assert_eq!(keys(&due), ["sms:1-01:77:recebido", "sms:2-01:77:recebido"]);
    // The first one fails: its order waits, and is told in order later.
    let later = now().plus(Duration::from_secs(60));
    let (key, message) = due[0].clone();
    outbox.settle(key, message, Verdict::Again { at: later, what: "status 500".to_owned() }, now());
    let (key, message) = due[1].clone();
    outbox.settle(key, message, Verdict::Delivered, now());
    let (due, next) = look(Admission::Normal);
    assert_eq!((keys(&due), next), (vec!["sms:2-01:77:faturado".to_owned()], Some(later)));
    let (due, _) = outbox.due(sms, later, Admission::Normal).unwrap();
    assert_eq!(keys(&due), ["sms:1-01:77:recebido", "sms:2-01:77:faturado"]);
    assert_eq!((due[0].1.attempts, due[0].1.last.as_deref()), (1, Some("status 500")));
    // What its receiver chokes on does not speak for the others.
    let (due, _) = outbox.due(sms, later, Admission::Probe).unwrap();
    assert_eq!(keys(&due), ["sms:2-01:77:faturado"]);
    // What is set aside holds nothing up.
    let (key, message) = outbox.due(sms, later, Admission::Normal).unwrap().0.remove(0);
    outbox.settle(key, message, Verdict::Park("status 400".to_owned()), now());
    let (due, _) = look(Admission::Normal);
    assert_eq!(keys(&due), ["sms:1-01:77:faturado", "sms:2-01:77:faturado"]);
    assert_eq!(outbox.facts().unwrap().webhooks[0].parked, 1);
}

#[test]
fn as_many_as_may_be_under_way_are_taken() {
    let rig = Rig::new();
    let outbox = rig.open(vec![Webhook { concurrency: 3, ..webhook("sms", &STEPS) }]).unwrap();
    for order in 0..PAGE + 40 {
        rig.see(&outbox, &format!("{order}-01"), Step::Received, now());
    }
    let sms = &outbox.parts.webhooks[0];
    assert_eq!(outbox.due(sms, now(), Admission::Normal).unwrap().0.len(), 3);
    assert_eq!(outbox.next_due(sms, now(), usize::MAX).unwrap().0.len(), PAGE + 40, "page by page");
}
