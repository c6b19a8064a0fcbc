//! The routes that answer at once, from what is known of the ledger.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use devcoin::ledger::RECENT_COINS_MAX;
use serde::Deserialize;
use service::error::HttpError;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::{Blocks, MinerList, Stats};
use crate::coin::{CoinList, OneCoin};
use crate::failure::Failure;
use crate::openapi::Problem;

/// Coins that `GET /coins` gives when it is not told how many.
const COINS_DEFAULT: usize = 20;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(blocks))
        .routes(routes!(coins))
        .routes(routes!(coin))
        .routes(routes!(miners))
        .routes(routes!(stats))
}

/// The number of coins
#[utoipa::path(get, path = "/", responses(
    (status = OK, description = "The number of coins; the last known one while the ledger is away", body = Blocks),
    (status = "5XX", description = "Nothing is known of the ledger", body = Failure),
))]
async fn blocks(State(app): State<App>) -> Result<Json<Blocks>, Failure> {
    let known = app.knowledge.observed.borrow();
    let (observed, freshness) = known.get()?;
    Ok(Json(Blocks::new(observed.figures.blocks, freshness, app.served_by())))
}

/// What `GET /coins` is asked.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct CoinsQuery {
    /// Most coins to give
    #[param(value_type = Option<u16>, minimum = 1, maximum = 1000, default = 20)]
    limit: Option<String>,
}

impl CoinsQuery {
    fn limit(&self) -> Result<usize, HttpError> {
        let Some(text) = &self.limit else { return Ok(COINS_DEFAULT) };
        let limit = text.parse().ok().filter(|limit| (1..=RECENT_COINS_MAX).contains(limit));
        limit
            .ok_or_else(|| bad_request(format!("limit is '{text}': accepted is a number from 1 to {RECENT_COINS_MAX}")))
    }
}

/// Recent coins, the newest first
#[utoipa::path(get, path = "/coins", params(CoinsQuery), responses(
    (status = OK, description = "Coins", body = CoinList),
    (status = BAD_REQUEST, description = "The limit is none", body = Problem),
    (status = "5XX", description = "Nothing is known of the ledger", body = Failure),
))]
async fn coins(State(app): State<App>, Query(query): Query<CoinsQuery>) -> Result<Json<CoinList>, Response> {
    let limit = query.limit().map_err(IntoResponse::into_response)?;
    let known = app.knowledge.recent.borrow();
    let (recent, freshness) = known.get().map_err(failure)?;
    Ok(Json(CoinList { coins: recent.newest(limit), freshness, served_by: app.served_by() }))
}

/// One of the recent coins
#[utoipa::path(get, path = "/coins/{hash}",
    params(("hash", description = "The coin's SHA-256: 64 hexadecimal digits", min_length = 64, max_length = 64)),
    responses(
        (status = OK, description = "The coin", body = OneCoin),
        (status = BAD_REQUEST, description = "That is no hash", body = Problem),
        (status = NOT_FOUND, description = "No coin among the last 1000 has this hash", body = Problem),
        (status = "5XX", description = "Nothing is known of the ledger", body = Failure),
    )
)]
async fn coin(State(app): State<App>, Path(hash): Path<String>) -> Result<Json<OneCoin>, Response> {
    let hash = hash.to_ascii_lowercase();
    if hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(bad_request("a coin's hash has 64 hexadecimal digits").into_response());
    }
    let known = app.knowledge.recent.borrow();
    let (recent, freshness) = known.get().map_err(failure)?;
    let Some(coin) = recent.find(&hash) else {
        let message = format!(
            "no coin with this hash among the last {RECENT_COINS_MAX}: only these are kept, older ones are counted"
        );
        return Err(HttpError::new(StatusCode::NOT_FOUND, message).into_response());
    };
    Ok(Json(OneCoin { coin, freshness, served_by: app.served_by() }))
}

/// The miners, the last heard of first
#[utoipa::path(get, path = "/miners", responses(
    (status = OK, description = "The miners", body = MinerList),
    (status = "5XX", description = "Nothing is known of the ledger", body = Failure),
))]
async fn miners(State(app): State<App>) -> Result<Json<MinerList>, Failure> {
    let known = app.knowledge.observed.borrow();
    let (observed, freshness) = known.get()?;
    Ok(Json(MinerList::new(observed, freshness, app.served_by())))
}

/// The figures at a glance, and coins of each of the last 60 seconds
#[utoipa::path(get, path = "/stats", responses(
    (status = OK, description = "The figures", body = Stats),
    (status = "5XX", description = "Nothing is known of the ledger", body = Failure),
))]
async fn stats(State(app): State<App>) -> Result<Json<Stats>, Failure> {
    let known = app.knowledge.observed.borrow();
    let (observed, freshness) = known.get()?;
    Ok(Json(Stats::new(&observed.figures, freshness, app.served_by())))
}

fn bad_request(message: impl Into<String>) -> HttpError {
    HttpError::new(StatusCode::BAD_REQUEST, message)
}

fn failure(error: devcoin::ledger::LedgerError) -> Response {
    Failure::from(error).into_response()
}
