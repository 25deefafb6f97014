//! What happens in the shop itself: shoppers who register, change their data and their consent.

use serde_json::{Value, json};

use super::super::{World, WorldError};
use super::{Fields, NotSaved, Save, Way};

/// `createdBy` and `updatedBy` of what shoppers do.
const SHOP: &str = "shop";

impl World {
    /// A shopper registers in the shop. Gives the customer's id.
    ///
    /// # Errors
    /// Fields that `CL` does not have or accept, an e-mail that another customer has.
    pub fn shop_registers(&self, customer: Value) -> Result<String, WorldError> {
        self.shop_saves(Way::Create, None, customer)
    }

    /// A shopper changes fields of the own profile; `updatedIn` moves when something really changes.
    ///
    /// # Errors
    /// No such customer, and as [`World::shop_registers`].
    pub fn shop_updates(&self, customer_id: &str, fields: Value) -> Result<(), WorldError> {
        if self.document("CL", customer_id).is_none() {
            return Err(WorldError::UnknownCustomer(customer_id.to_owned()));
        }
        self.shop_saves(Way::Merge, Some(customer_id), fields).map(|_| ())
    }

    /// A shopper gives or revokes consent to the newsletter; `updatedIn` moves when the choice is another one.
    ///
    /// # Errors
    /// No such customer.
    pub fn shop_sets_newsletter(&self, customer_id: &str, opt_in: bool) -> Result<(), WorldError> {
        self.shop_updates(customer_id, json!({"isNewsletterOptIn": opt_in}))
    }

    fn shop_saves(&self, way: Way, id: Option<&str>, fields: Value) -> Result<String, WorldError> {
        let Value::Object(fields) = fields else {
            return Err(WorldError::Document("not a JSON object".to_owned()));
        };
        let fields: Fields = fields;
        let save = Save { way, id, fields, condition: None, schema: None };
        let saved = self.master_data.state().save("CL", save, SHOP);
        saved.map(|(id, _)| id).map_err(|error| WorldError::Document(reason(&error)))
    }
}

fn reason(error: &NotSaved) -> String {
    match error {
        NotSaved::Invalid(message) => message.clone(),
        NotSaved::Duplicate(index) => format!("another document has this {index}"),
        NotSaved::Schema(_) | NotSaved::Condition | NotSaved::NotFound => "refused".to_owned(),
    }
}
