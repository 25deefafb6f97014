//! Erasure of a person's data (User Rights API, in closed beta).

use serde::Deserialize;
use serde_json::json;

use super::super::reply::Reply;
use super::super::route::Route;
use super::super::world::ErasureState;
use super::Call;

#[derive(Deserialize)]
struct Forget {
    email: String,
}

pub(super) fn answer(call: Call<'_>) -> Result<Reply, Reply> {
    match call.target.route {
        Route::ForgetPost => forget(call),
        Route::ForgetJob => job(call),
        _ => Err(Reply::empty(404)),
    }
}

/// Also for an e-mail that nobody has: that job ends with success.
fn forget(call: Call<'_>) -> Result<Reply, Reply> {
    let body: Result<Forget, _> = serde_json::from_slice(call.body);
    let email = body.ok().map(|body| body.email).filter(|email| email.contains('@'));
    let email = email.ok_or_else(|| message(400, "email is required"))?;
    let job = call.world.master_data.forget(&email).ok_or_else(|| Reply::empty(404))?;
    Ok(Reply::json_with(201, &json!({"jobId": job})))
}

fn job(call: Call<'_>) -> Result<Reply, Reply> {
    let state = call.world.master_data.erasure(&call.target.first);
    let (status, text) = match state.ok_or_else(|| message(404, "Job not found"))? {
        ErasureState::InProgress => ("InProgress", "Processing deletion request."),
        ErasureState::Success => ("Success", "User data deleted."),
        ErasureState::Failed => ("Failed", "The deletion could not be completed."),
    };
    Ok(Reply::json(&json!({"status": status, "message": text})))
}

fn message(status: u16, text: &str) -> Reply {
    Reply::json_with(status, &json!({"message": text}))
}
