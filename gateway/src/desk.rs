//! The desk: the one way in which a tool is called, whatever door its caller came through. It looks at his role, his
//! session and his character, makes the call where it belongs, and writes down who did what.

use proto::{
    catalogue::{Role, Tool},
    orchestrator::v1::CallToolRequest,
    structs,
};
use serde_json::{Map, Value};
use service_kit::{
    auth::{Caller, Entry},
    status::{self, ErrorCode, Failure},
    trace,
};
use tonic::{Request, Status, metadata::MetadataMap};

use crate::{
    Gateway,
    limits::{Keys, Kind},
    seat,
};

/// The fields that name the character who acts or is changed.
const ACTORS: &[&str] = &["character_name", "caster_name", "attacker_name"];
/// Tools in which another field names him: whoever gives first aid gives it to anybody.
const ACTORS_OF: [(&str, &[&str]); 2] = [("first_aid", &["healer_name"]), ("take_delayed_action", &["name"])];
/// The fields that name a session.
pub(crate) const SESSIONS: [&str; 2] = ["session_id", "session"];
/// The service whose tools are about sessions; they name theirs themselves.
const ORCHESTRATOR: &str = "dicetower.orchestrator.v1.OrchestratorService";

/// The tool that says something at a table.
const SAY: &str = "say";
/// The tool that narrates in the model's place, or no more.
const TAKE_OVER: &str = "take_over";

/// The doors to the outside, as the audit log names them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Door {
    Rest,
    Mcp,
    Grpc,
}

impl Door {
    pub fn as_str(self) -> &'static str {
        match self {
            Door::Rest => "rest",
            Door::Mcp => "mcp",
            Door::Grpc => "grpc",
        }
    }
}

/// A call of a tool.
pub(crate) struct Call<'a> {
    pub door: Door,
    pub caller: &'a Caller,
    pub name: &'a str,
    pub arguments: Map<String, Value>,
    /// Travels with the call: an idempotency key.
    pub metadata: MetadataMap,
    /// The table at which it is made, if it is made at one.
    pub session_id: Option<String>,
}

impl Gateway {
    /// Calls a tool for somebody, if he may.
    ///
    /// # Errors
    ///
    /// `UNAUTHENTICATED`, `FORBIDDEN`, `RATE_LIMITED`, or what the tool says.
    pub async fn call_tool(&self, call: Call<'_>) -> Result<Value, Status> {
        let text = self.call_tool_for_text(call).await?;
        serde_json::from_str(&text).map_err(|error| status::internal(&error))
    }

    /// The same; the result is JSON that is written already, which spares those who only pass it on the way there and
    /// back.
    ///
    /// # Errors
    ///
    /// As above.
    pub async fn call_tool_for_text(&self, mut call: Call<'_>) -> Result<String, Status> {
        let tool = self.toolbox.find(call.name)?;
        // Whose character and which session it is about is looked up by the names of the contract.
        call.arguments = tool.read(call.arguments);
        let (door, caller) = (call.door, call.caller);
        let target = call.session_id.clone().unwrap_or_default();
        let result = match self.check_call(&call, tool).await {
            Ok(()) => self.perform(call, tool).await,
            Err(refusal) => Err(refusal),
        };
        if tool.effect || result.is_err() {
            self.note(door.as_str(), caller, &tool.name, target, result.as_ref().err());
        }
        result
    }

    async fn check_call(&self, call: &Call<'_>, tool: &Tool) -> Result<(), Status> {
        let caller = call.caller;
        caller.check()?;
        if tool.role == Role::Operator && caller.role < Role::Operator && !self.peers.gate().is_required() {
            let message = format!("{} is for the operator of this server, on its own machine", tool.name);
            return Err(status::error(ErrorCode::Forbidden, message));
        }
        caller.must_be(tool.role, &tool.name)?;
        let named = SESSIONS.iter().filter_map(|field| call.arguments.get(*field)?.as_str());
        let mut tables = call.session_id.as_deref().into_iter().chain(named);
        let table = tables.next();
        table.into_iter().chain(tables).try_for_each(|session_id| caller.may_enter(session_id))?;
        if tool.effect {
            let own = ACTORS_OF.iter().find(|(name, _)| *name == tool.name).map(|(_, actors)| *actors);
            let actors = own.unwrap_or(ACTORS).iter();
            for name in actors.filter_map(|actor| call.arguments.get(*actor)?.as_str()) {
                if !self.peers.gate().owns(caller, name).await? {
                    let name: String = name.chars().take(100).collect();
                    let message = format!("{name} is not your character; ask the game master to give it to you");
                    return Err(status::error(ErrorCode::Forbidden, message));
                }
            }
            let kind = if tool.name == SAY { Kind::Turn } else { Kind::Roll };
            self.limits.check(kind, &Keys::of(caller, table))?;
        }
        Ok(())
    }

    /// Fills in what the door knows better than the caller, and makes the call.
    async fn perform(&self, mut call: Call<'_>, tool: &Tool) -> Result<String, Status> {
        let caller = call.caller;
        if tool.has_parameter(seat::CONNECTION) {
            call.arguments.remove(seat::CONNECTION);
            let seat = self.seats.connection(self, caller, &tool.name, &call.arguments).await?;
            call.arguments.extend(seat.map(|id| (seat::CONNECTION.to_owned(), id.into())));
        }
        if tool.name == SAY && !caller.name.is_empty() {
            // Nobody speaks under another's name.
            call.arguments.insert("name".into(), caller.name.clone().into());
        }
        let leaves = (tool.name == TAKE_OVER && call.arguments.get("on") == Some(&Value::Bool(false)))
            .then(|| call.arguments.get("session_id")?.as_str().map(str::to_owned))
            .flatten();
        let answer = self.dispatch(call, tool).await?;
        if let Some(session_id) = leaves {
            self.seats.leave(&session_id, caller);
        }
        Ok(answer)
    }

    async fn dispatch(&self, call: Call<'_>, tool: &Tool) -> Result<String, Status> {
        let Call { name, mut arguments, metadata, session_id, .. } = call;
        // A table's own tools write into its log by themselves.
        let is_own = tool.service() == ORCHESTRATOR;
        let Some(session_id) = session_id.clone().filter(|_| !is_own) else {
            if let Some(session_id) = session_id.filter(|_| tool.has_parameter("session_id")) {
                arguments.entry("session_id").or_insert_with(|| session_id.into());
            }
            return self.toolbox.call_for_text(name, arguments.into(), metadata).await;
        };
        let arguments = Some(structs::from_json(arguments.into()));
        let request = CallToolRequest { session_id, name: name.to_owned(), arguments };
        let request = Request::from_parts(metadata, tonic::Extensions::default(), request);
        let answer = self.peers.orchestrator().call_tool(request).await?.into_inner();
        Ok(structs::to_json(answer.result.unwrap_or_default()).to_string())
    }

    /// Writes down what somebody did or was refused.
    pub fn note(&self, door: &str, caller: &Caller, action: &str, target: String, refusal: Option<&Status>) {
        let Some(audit) = self.peers.gate().audit() else { return };
        let outcome = refusal.map_or("ok", |status| Failure::from(status).code.name());
        audit.note(Entry {
            name: caller.name.clone(),
            role: caller.role.as_str().to_owned(),
            door: door.to_owned(),
            action: action.to_owned(),
            target,
            outcome: outcome.to_owned(),
            trace_id: trace::current_id_text(),
        });
    }
}
