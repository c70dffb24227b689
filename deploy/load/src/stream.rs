//! How soon the model's first byte is the player's first byte; beside it a client that listens to the model itself.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use fake_model::{FakeModel, Gate, Reply};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::{connect_async, tungstenite::Message};

use crate::{process, stats::median, target::Target};

/// A fake model that holds each answer back until it is told to speak.
pub struct Model {
    model: FakeModel,
    gate: Arc<Mutex<Gate>>,
}

impl Model {
    /// Starts it in this process.
    pub async fn start() -> anyhow::Result<Model> {
        let gate = Arc::new(Mutex::new(Gate::new()));
        let current = gate.clone();
        let model = FakeModel::answering(move |_| {
            let gate = current.lock().unwrap_or_else(PoisonError::into_inner).clone();
            Reply::new().gate(&gate).text("The ganger dives for cover.").end("stop")
        });
        let model = process::threads()?.spawn(model).await?;
        Ok(Model { model, gate })
    }

    /// Its address, as `LLM_URL` takes it.
    pub fn url(&self) -> &str {
        &self.model.url
    }

    /// Makes the next answer wait for a gate of its own.
    fn hold(&self) -> Gate {
        let gate = Gate::new();
        *self.gate.lock().unwrap_or_else(PoisonError::into_inner) = gate.clone();
        gate
    }
}

/// The p50 of the time from the model's first byte until the first `narrative` frame is here.
pub async fn first_byte(target: &Target, model: &Model, turns: usize) -> anyhow::Result<Duration> {
    let (mut socket, _) = connect_async(format!("ws://{}/game/load?telemetry=0", target.http)).await?;
    let mut times = Vec::with_capacity(turns);
    let asked = model.model.requests().len();
    for turn in asked..asked + turns {
        let gate = model.hold();
        socket.send(Message::text(json!({"type": "chat", "message": "I wait."}).to_string())).await?;
        model.model.request(turn).await;
        gate.reached().await;
        let begun = Instant::now();
        gate.open();
        let mut heard = false;
        loop {
            let frame = socket.next().await.context("the socket was closed")??;
            let Message::Text(text) = frame else { continue };
            let frame: Value = serde_json::from_str(&text)?;
            match frame["type"].as_str() {
                Some("narrative") if !heard => {
                    times.push(begun.elapsed());
                    heard = true;
                }
                Some("error") => anyhow::bail!("{text}"),
                Some("complete") => break,
                _ => {}
            }
        }
    }
    Ok(median(times))
}

/// The same without us: the p50 until a client of the model itself has its first byte.
pub async fn bare(turns: usize) -> anyhow::Result<Duration> {
    let model = Model::start().await?;
    let client = reqwest::Client::builder().tls_certs_only(std::iter::empty()).build()?;
    let mut times = Vec::with_capacity(turns);
    for number in 0..turns {
        let gate = model.hold();
        let request =
            client.post(format!("{}/chat/completions", model.url())).json(&json!({"stream": true, "messages": []}));
        let answer = tokio::spawn(request.send());
        model.model.request(number).await;
        gate.reached().await;
        let begun = Instant::now();
        gate.open();
        let mut body = answer.await??.bytes_stream();
        body.next().await.context("a first byte")??;
        times.push(begun.elapsed());
        while body.next().await.is_some() {}
    }
    Ok(median(times))
}
