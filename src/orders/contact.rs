//! Who placed an order, for a message that is being sent. Read when it is needed, kept nowhere.

use super::Inbound;
use super::gate::{Unanswered, describe};
use super::write::Refusal;
use crate::core::message::template::Contact;
use crate::core::order::purchase::Buyer;
use crate::mapping::orders::inbound::is_masked;

impl Inbound {
    /// What VTEX shows of the person. `None`: it shows no order, or nobody.
    ///
    /// # Errors
    /// For people: VTEX cannot be asked now.
    pub async fn contact(&self, order: &str) -> Result<Option<Contact>, String> {
        let client = &self.parts.client;
        let purchase = match self.ask("order-contact", || client.read_purchase(order)).await {
            Ok(purchase) => purchase,
            Err(Unanswered::Refused(failure)) => {
                return Err(format!("VTEX does not show the order: {}", describe(&failure)));
            }
            Err(Unanswered::Later(why)) => return Err(why),
        };
        let Some(Ok(content)) = purchase.filter(|purchase| purchase.id == order).map(|it| it.content) else {
            return Ok(None);
        };
        // An alias is no address that a provider could write to for long.
        let email = if is_masked(&content.buyer) {
            match self.real_email(&content).await {
                Ok(email) => email,
                Err(Refusal::Later(error)) => return Err(error.to_string()),
                Err(Refusal::Obstacles(_)) => None,
            }
        } else {
            content.buyer.email.clone()
        };
        let Buyer { first_name, last_name, phone, .. } = content.buyer;
        Ok(Some(Contact { first_name, last_name, phone, email }))
    }
}
