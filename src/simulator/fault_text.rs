//! Faults as one writes them on a command line: `kind=500-after,route=logistics,probability=0.1,count=5`.

use std::str::FromStr;

use serde_json::{Map, Value};

use super::fault::Fault;

/// Why a fault on the command line is not one.
#[derive(Debug, thiserror::Error)]
pub enum FaultTextError {
    /// A piece without `=`.
    #[error("`{0}` is not NAME=VALUE; write for example kind=503,route=pricing,count=3")]
    NotAPair(String),
    /// The pieces do not make a fault.
    #[error("not a fault")]
    NotAFault(#[from] serde_json::Error),
    /// A probability that is none.
    #[error("probability {0} is not between 0 and 1")]
    Probability(f64),
}

/// Fields that are text even when they look like a number.
const TEXT_FIELDS: [&str; 4] = ["kind", "route", "sku", "warehouse"];

impl FromStr for Fault {
    type Err = FaultTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut fields = Map::new();
        for piece in text.split(',').map(str::trim).filter(|piece| !piece.is_empty()) {
            let (name, value) =
                piece.split_once('=').ok_or_else(|| FaultTextError::NotAPair(piece.to_owned()))?;
            let plain = || Value::String(value.to_owned());
            let value = if TEXT_FIELDS.contains(&name) {
                plain()
            } else {
                serde_json::from_str(value).unwrap_or_else(|_| plain())
            };
            fields.insert(name.to_owned(), value);
        }
        let fault: Self = serde_json::from_value(Value::Object(fields))?;
        if !(0.0..=1.0).contains(&fault.probability) {
            return Err(FaultTextError::Probability(fault.probability));
        }
        Ok(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fault::FaultKind;
    use super::*;

    #[test]
    fn a_fault_on_the_command_line_is_the_fault_of_the_json() {
        let fault: Fault =
            "kind=500-after,route=PATCH */quantity,probability=0.5,sku=7,count=2".parse().unwrap();
        let json = r#"{"kind":"500-after","route":"PATCH */quantity","probability":0.5,"sku":"7","count":2}"#;
        assert_eq!(fault, serde_json::from_str(json).unwrap());
        assert_eq!(fault.kind, FaultKind::ErrorAfter);
        assert!("kind=nonsense".parse::<Fault>().is_err());
        assert!("kind=503,probability=2".parse::<Fault>().is_err());
        assert!("503".parse::<Fault>().is_err());
    }
}
