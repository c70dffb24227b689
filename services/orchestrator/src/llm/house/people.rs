//! Those the players talk to: how they take it, and the jobs they have to give. Simple tables; the conversation itself
//! chooses, so that the same words are always taken the same way.

use serde_json::{Value, json};

use super::{
    narrate,
    phrases::{capital, fill, hash, pick, with_article},
    plan::{Answer, Step, Table, call},
};

/// How somebody takes it when he is spoken to.
const REACTIONS: &[&[&str]] = &[
    &[
        "{Who} looks you over, takes a moment, and nods. \"Go on. I am listening.\"",
        "{Who} almost smiles. \"For you, chummer, I have a minute.\"",
        "{Who} leans closer and lowers the voice: there may be something in it for both of you.",
    ],
    &[
        "{Who} shrugs. \"Depends who is asking, and what it is worth.\"",
        "{Who} goes on with what he was doing, but an ear is yours.",
        "\"Maybe,\" says {who}, and leaves it there.",
    ],
    &[
        "{Who} does not like the look of you. \"We are done here.\"",
        "{Who} glances at the door, then at your hands. \"I know nothing. I saw nothing.\"",
        "{Who} turns away. Whatever the answer is, it is not free.",
    ],
];
/// What follows the reaction, by how it was.
const NEXT: &[&str] = &[
    "A Negotiation or Etiquette test gets more out of it.",
    "If it matters, name the skill and I roll it: \"Negotiation test against 5\".",
    "If you want to push it, name the skill: \"Etiquette test against 6\" or \"Interrogation\".",
];

/// How that person takes being spoken to.
pub(super) fn reaction(table: &Table<'_>, person: &str) -> String {
    let who = with_article(person);
    // One person keeps his mood for as long as the place is the same.
    let place = table.scene("location").unwrap_or_default();
    let mood = usize::try_from((hash(&format!("{}{place}", person.to_lowercase())) >> 17) % 3).unwrap_or_default();
    let capital_who = capital(&who);
    let told = fill(pick(table.variety(), REACTIONS[mood]), &[("who", who.as_str()), ("Who", capital_who.as_str())]);
    format!("{told} {}", NEXT[mood])
}

const EMPLOYERS: &[&str] = &[
    "A Mr. Johnson in a suit that costs more than your car",
    "A Mr. Johnson with an Aztechnology pin he has forgotten to take off",
    "Your fixer, for a client who wants no name",
    "An elf with a Tír accent and no sense of humour",
    "A tired woman from a neighbourhood council, with everybody's savings in an envelope",
];
const TASKS: &[&str] = &[
    "a datachip out of the safe",
    "a prototype, in one piece",
    "a wage mage who wants to change her employer",
    "the guest list of a party that never happened",
    "proof of what they pour into the river",
    "a stolen guitar with more to it than strings",
];
const PLACES: &[&str] = &[
    "a Renraku warehouse at the docks",
    "a Shiawase laboratory in Redmond",
    "the back rooms of a club in Puyallup",
    "a Mitsuhama office tower, fourteenth floor",
    "a clinic in Tacoma that treats nobody",
];
const HITCHES: &[&str] = &[
    "Two guards keep the door, and the night shift is early.",
    "A ganger crew thinks that the street is theirs.",
    "Somebody else has been hired for the same thing.",
    "The maglock is new, and so is the camera above it.",
    "The guard dogs are not dogs.",
];

/// A job for the night, out of the tables; it stands in the scene from then on.
pub(super) fn job(table: &Table<'_>) -> Answer {
    let seed = table.variety();
    let (who, what) = (pick(seed, EMPLOYERS), pick(seed >> 3, TASKS));
    let (place, hitch) = (pick(seed >> 5, PLACES), pick(seed >> 9, HITCHES));
    let description = format!("The job: {what}, from {place}. {hitch}");
    let lead = format!(
        "{who} slides into the seat across from you. \"I need {what}. You will find it in {place}. Tonight.\" What you learn with \
         the first drink: {} Negotiate the pay, do some legwork, or go there: \"we go to {place}\".",
        super::phrases::uncapital(hitch)
    );
    if !table.offers("update_scene") {
        return Err(lead);
    }
    call(table, lead, "update_scene", json!({"description": description}))
}

/// There is no campaign to keep it in.
const NO_CAMPAIGN: &str = "Nobody at this table is in a campaign, so I have nowhere to keep that. Put a character into one, and I \
    note objectives, milestones and people there.";

/// The campaign of the table: that of the first character who is in one.
fn campaign(table: &Table<'_>) -> Result<String, String> {
    let mut ids = table.request.characters.iter().map(|brief| brief.campaign_id.as_str());
    ids.find(|id| !id.is_empty()).map(str::to_owned).ok_or_else(|| NO_CAMPAIGN.to_owned())
}

/// Another objective beside those there are.
pub(super) fn objective(table: &Table<'_>, objective: &str) -> Answer {
    let campaign = campaign(table)?;
    if table.result("update_campaign_state").is_some() {
        return Ok(Step::Say(narrate::end(table)));
    }
    let Some(known) = table.result("get_campaign") else {
        return call(table, String::new(), "get_campaign", json!({"campaign_id": campaign}));
    };
    let mut objectives: Vec<Value> =
        known.result.get("objectives").and_then(Value::as_array).cloned().unwrap_or_default();
    objectives.retain(|known| known.is_object());
    objectives.push(json!({"objective": capital(objective), "completed": false, "order": objectives.len() + 1}));
    call(table, String::new(), "update_campaign_state", json!({"campaign_id": campaign, "objectives": objectives}))
}

/// Something has been reached.
pub(super) fn milestone(table: &Table<'_>, milestone: &str) -> Answer {
    let arguments = json!({"campaign_id": campaign(table)?, "milestone": capital(milestone)});
    call(table, String::new(), "add_campaign_milestone", arguments)
}

/// Somebody is to be remembered.
pub(super) fn npc(table: &Table<'_>, name: &str) -> Answer {
    let location = table.scene("location").unwrap_or("unknown");
    let arguments = json!({
        "campaign_id": campaign(table)?, "name": name, "role": "met by the players", "location": location,
        "relevance": "current",
    });
    call(table, String::new(), "register_npc", arguments)
}
