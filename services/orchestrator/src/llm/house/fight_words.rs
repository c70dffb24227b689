//! The words for fights, for what mends their damage, and for the people and jobs between them; as `lexicon`, a table is
//! data.

/// Weapons for close combat as players call them, and as the rule book does.
pub(crate) const ARMS: &[(&str, &str)] = &[
    ("monowhip", "Monowhip"),
    ("mono whip", "Monowhip"),
    ("whip", "Monowhip"),
    ("katana", "Katana"),
    ("sword", "Sword"),
    ("knife", "Knife"),
    ("blade", "Knife"),
    ("dagger", "Knife"),
    ("stun baton", "Stun Baton"),
    ("baton", "Club"),
    ("club", "Club"),
    ("staff", "Staff"),
    ("pole arm", "Pole Arm"),
    ("axe", "Pole Arm"),
    ("spurs", "Spurs"),
    ("hand razors", "Hand Razors"),
];

/// A fight begins.
pub(crate) const FIGHT_BEGINS: &[&str] = &[
    "start combat",
    "start the combat",
    "start a fight",
    "start the fight",
    "begin combat",
    "begin the fight",
    "combat starts",
    "combat begins",
    "the fight starts",
    "the fight begins",
    "a fight breaks out",
    "the fight is on",
    "attack us",
    "attacks us",
    "attack me",
    "attacks me",
    "jump us",
    "jumps us",
    "ambush us",
    "open fire on us",
    "shoot at us",
    "charge us",
];

/// What a foe does to those at the table, in the words of a player: foes act when it is their move, so that a fight begins
/// or goes on.
pub(crate) const FOES_ACT: &[&str] = &[
    "shoots at me",
    "shoots at us",
    "shoot at me",
    "shoots me",
    "shoots back",
    "shoot back",
    "fires at me",
    "fires at us",
    "fires on me",
    "fires on us",
    "fires back",
    "fire at me",
    "fire at us",
    "fire back",
    "opens fire",
    "open fire on me",
    "returns fire",
    "return fire",
    "return the fire",
    "hits me",
    "hits us",
    "strikes me",
    "strikes at me",
    "strikes back",
    "swings at me",
    "punches me",
    "kicks me",
    "stabs me",
    "charges me",
    "charges us",
    "charges at me",
    "ambushes me",
    "ambushes us",
];

/// A fight is over.
pub(crate) const FIGHT_ENDS: &[&str] = &[
    "end combat",
    "end the combat",
    "end the fight",
    "stop the fight",
    "combat is over",
    "combat ends",
    "the fight is over",
    "the fight ends",
    "we flee",
    "we run away",
    "we retreat",
    "we disengage",
    "we surrender",
];

/// Somebody lets his move go by, or a foe's move is left over.
pub(crate) const PASSES: &[&str] = &[
    "pass",
    "i pass",
    "next",
    "next one",
    "next please",
    "go on",
    "continue",
    "i wait",
    "we wait",
    "i delay",
    "end my turn",
    "end turn",
    "my turn is over",
    "i am done",
    "weiter",
];

/// Foes come into the scene.
pub(crate) const APPEARING: &[&str] = &[
    "appear", "appears", "come", "comes", "arrive", "arrives", "step", "steps", "burst", "bursts", "wait", "waits",
    "block", "blocks", "show", "shows", "guard", "join", "joins", "stand", "stands", "enter", "enters", "there", "are",
];

/// First aid.
pub(crate) const FIRST_AID: &[&str] = &[
    "first aid",
    "patch up",
    "patch him up",
    "patch her up",
    "patch me up",
    "patches up",
    "bandage",
    "bandages",
    "medkit",
    "stabilise",
    "stabilize",
    "tend the wounds",
    "treat the wounds",
    "treat his wounds",
    "treat her wounds",
    "treat my wounds",
    "stop the bleeding",
];

/// To resist an attack.
pub(crate) const RESISTING: &[&str] = &["resist", "resists", "resisting", "soak", "soaks"];

/// What dice may be kept for.
pub(crate) const DEFENDING: &[&str] = &[
    "dodge",
    "dodges",
    "dodging",
    "defence",
    "defense",
    "defend",
    "defends",
    "resist",
    "resists",
    "resisting",
    "resistance",
    "soak",
];

/// To have a wound.
pub(crate) const SUFFERING: &[&str] =
    &["take", "takes", "suffer", "suffers", "mark", "receive", "receives", "get", "gets"];

/// Wounds by their levels, as `apply_damage` takes them.
pub(crate) const WOUNDS: &[(&str, &str)] = &[
    ("light wound", "L"),
    ("moderate wound", "M"),
    ("serious wound", "S"),
    ("deadly wound", "D"),
    ("light damage", "L"),
    ("moderate damage", "M"),
    ("serious damage", "S"),
    ("deadly damage", "D"),
    ("light stun", "L"),
    ("moderate stun", "M"),
    ("serious stun", "S"),
    ("deadly stun", "D"),
];

/// To buy.
pub(crate) const BUYING: &[&str] = &["buy", "buys", "buying", "purchase", "purchases"];

/// To part with money.
pub(crate) const PAYING: &[&str] = &["spend", "spends", "pay", "pays"];

/// What the Karma Pool may do, as `use_karma` calls it.
pub(crate) const KARMA_WAYS: &[(&str, &str)] = &[
    ("reroll", "reroll_failures"),
    ("re roll", "reroll_failures"),
    ("roll again", "reroll_failures"),
    ("failures", "reroll_failures"),
    ("disaster", "avoid_disaster"),
    ("dice", "buy_dice"),
    ("die", "buy_dice"),
    ("success", "buy_successes"),
    ("successes", "buy_successes"),
];

/// To call a spirit.
pub(crate) const SUMMONING: &[&str] = &["summon", "summons", "summoning", "conjure", "conjures"];

/// Questions about who acts when.
pub(crate) const ORDER_QUESTIONS: &[&str] =
    &["initiative order", "turn order", "whose move", "whose turn", "who is next", "who next", "who acts"];

/// How a foe may stand.
pub(crate) const STATES: &[&str] = &["dead", "alive", "hurt", "wounded", "unconscious", "standing"];

/// A fresh clip.
pub(crate) const RELOADS: &[&str] =
    &["reload", "reloads", "reloading", "fresh clip", "new clip", "change clips", "change the clip", "fresh magazine"];

/// Sleep and rest.
pub(crate) const RESTS: &[&str] = &[
    "rest",
    "rests",
    "we rest",
    "i rest",
    "take a rest",
    "rest up",
    "we sleep",
    "i sleep",
    "get some sleep",
    "we recover",
    "i recover",
    "lie low",
    "lay low",
    "heal up",
    "heal for",
    "heal over",
    "heals for",
    "heals naturally",
    "heal naturally",
];

/// Rest that is long enough for Physical wounds.
pub(crate) const LONG_RESTS: &[&str] = &["days", "day", "week", "weeks", "physical", "wounds", "wound", "hospital"];

/// Speaking to somebody; who follows.
pub(crate) const TALKING: &[&str] = &[
    "talk to",
    "talks to",
    "talk with",
    "speak to",
    "speak with",
    "speaks to",
    "ask the",
    "ask our",
    "asks the",
    "greet the",
    "tell the",
    "say to",
    "nod to",
    "chat with",
    "wave at",
];

/// Wanting a job.
pub(crate) const JOBS: &[&str] = &[
    "look for a job",
    "looking for a job",
    "look for work",
    "looking for work",
    "need a job",
    "need work",
    "any work",
    "any jobs",
    "find a job",
    "find us a job",
    "find work",
    "a new job",
    "get a job",
    "next job",
    "next run",
    "a new run",
    "meet the johnson",
    "meet mr johnson",
    "meet our johnson",
    "meet the fixer",
    "meet our fixer",
    "call my fixer",
    "call our fixer",
    "what is the job",
    "what the job",
];

/// What is to be reached; it follows.
pub(crate) const OBJECTIVES: &[&str] =
    &["new objective", "our objective is", "the objective is", "our objective", "our goal is", "the goal is"];

/// What has been reached; it follows.
pub(crate) const MILESTONES: &[&str] =
    &["milestone", "objective done", "objective completed", "objective reached", "goal reached"];

/// Somebody who is to be remembered; the name follows.
pub(crate) const NPCS: &[&str] = &["new npc", "note the npc", "remember the npc", "an npc named", "an npc called"];

/// How a wish to look something up begins.
pub(crate) const LOOK_UPS: &[&str] =
    &["look up", "lookup", "rules for", "rule for", "rules about", "rules on", "explain"];

/// Words that are no part of what is looked up.
pub(crate) const NO_QUERY: &[&str] = &[
    "what", "whats", "what's", "is", "are", "a", "an", "the", "how", "does", "do", "did", "in", "work", "works", "of",
    "for", "about", "on", "to", "me", "us", "please", "explain", "tell", "look", "lookup", "up", "rule", "rules",
    "mean", "means", "which", "i", "my", "you", "and", "with", "when", "can", "forget", "it", "that", "this", "there",
    "get", "target", "number", "tn",
];
