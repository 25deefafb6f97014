//! People (VTEX Master Data v1 and v2, user rights).

use reqwest::Method;

use super::request::Refused;
use crate::core::call::people::PeopleCall;
use crate::core::call::{Answer, Failure};

/// Method, path and body.
pub(super) fn request(call: &PeopleCall) -> Result<(Method, String, Option<String>), Refused> {
    Err(Refused::Segment(call.line()))
}

/// What a reply means; `success`: its body, or why there is none.
pub(super) fn answer<'a>(
    _call: &PeopleCall,
    _status: u16,
    _html: bool,
    success: &dyn Fn() -> Result<&'a [u8], Failure>,
) -> Result<Answer, Failure> {
    success().map(|_| Answer::Done)
}
