//! Which store sends what, and where it goes.

use compact_str::CompactString;

use super::Rules;
use crate::core::order::obstacle::Obstacle;
use crate::core::order::purchase::{Channel, Content, Line, Origin};
use crate::core::value::order::OrderKind;

/// What becomes one pedido: everything of an order that goes out from one store in one way to one place.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) kind: OrderKind,
    pub(super) store: CompactString,
    pub(super) pickup_store: Option<CompactString>,
    /// Of a delivery.
    pub(super) address: Option<CompactString>,
    pub(super) pieces: Vec<Piece>,
}

/// What of a line goes out from one deposit.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) line: usize,
    pub(super) quantity: i64,
    /// Pieces of the line before this one, in the order of the line: with it an amount is divided.
    pub(super) before: i64,
    pub(super) deposit: Option<CompactString>,
    pub(super) courier: Option<CompactString>,
}

/// In the order in which the lines first need them, which never changes for an order.
pub(super) fn groups(
    content: &Content,
    seller: bool,
    rules: Rules<'_>,
    obstacles: &mut Vec<Obstacle>,
) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (index, line) in content.lines.iter().enumerate() {
        let Some(pickup_store) = destination(line, index, rules, obstacles) else { continue };
        let kind = match (seller, &pickup_store) {
            (true, _) => OrderKind::Seller,
            (false, Some(_)) => OrderKind::Pickup,
            (false, None) => OrderKind::Delivery,
        };
        let address = line.delivery.address.clone().filter(|_| pickup_store.is_none());
        let mut before = 0;
        for (origin, quantity) in origins(line, index, obstacles) {
            let Some((store, deposit)) = rules.orders.store_of(rules.mapping, &origin.warehouse) else {
                obstacles.push(Obstacle::Warehouse(origin.warehouse.clone()));
                continue;
            };
            let same = |group: &&mut Group| {
                group.store == store && group.pickup_store == pickup_store && group.address == address
            };
            let group = match groups.iter_mut().position(|mut group| same(&mut group)) {
                Some(position) => &mut groups[position],
                None => {
                    groups.push(Group {
                        kind,
                        store: store.into(),
                        pickup_store: pickup_store.clone(),
                        address: address.clone(),
                        pieces: Vec::new(),
                    });
                    let last = groups.len() - 1;
                    &mut groups[last]
                }
            };
            let (deposit, courier) = (deposit.map(CompactString::from), origin.courier.clone());
            group.pieces.push(Piece { line: index, quantity, before, deposit, courier });
            before += quantity;
        }
    }
    groups
}

/// The store where a line is fetched, `Some(None)` for a delivery; `None` when it cannot be told.
fn destination(
    line: &Line,
    index: usize,
    rules: Rules<'_>,
    obstacles: &mut Vec<Obstacle>,
) -> Option<Option<CompactString>> {
    let obstacle = match (&line.delivery.channel, &line.delivery.pickup_point) {
        (Channel::Delivery, _) => return Some(None),
        (Channel::Pickup, Some(point)) => match rules.orders.pickup_store(point) {
            Some(store) => return Some(Some(store.into())),
            None => Obstacle::PickupPoint(point.clone()),
        },
        (Channel::Pickup, None) => {
            Obstacle::Unreadable(format!("shippingData.logisticsInfo[{index}].pickupPointId"))
        }
        (Channel::Other(channel), _) => Obstacle::Channel(channel.clone()),
    };
    obstacles.push(obstacle);
    None
}

/// Where the pieces of a line come from. VTEX's only warehouse sends all, whatever it says of pieces.
fn origins<'a>(line: &'a Line, index: usize, obstacles: &mut Vec<Obstacle>) -> Vec<(&'a Origin, i64)> {
    match line.delivery.origins.as_slice() {
        [] => {
            obstacles.push(Obstacle::NoWarehouse { line: index });
            Vec::new()
        }
        [only] => vec![(only, line.quantity)],
        several => {
            let parts = several.iter().map(|origin| origin.quantity.max(0)).fold(0, i64::saturating_add);
            if parts != line.quantity {
                obstacles.push(Obstacle::Pieces { line: index, parts, whole: line.quantity });
                return Vec::new();
            }
            let sends = several.iter().filter(|origin| origin.quantity > 0);
            sends.map(|origin| (origin, origin.quantity)).collect()
        }
    }
}
