//! The words the house game master knows, as tables: weapons, spells, skills, verbs, light, places on a sheet.
//!
//! A table is data: to teach him a word is to add a line. Where several phrases fit, the longest is meant. Names are the rule book's; which of them a character has, and
//! with what figures, only the character service knows.

/// What kind of weapon a word means, to find the fitting one on a sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WeaponKind {
    /// Any weapon that is fired.
    Gun,
    /// Pistols of every size.
    Pistol,
    /// Rifles of every kind.
    Rifle,
    /// Shotguns.
    Shotgun,
    /// Submachine guns and machine guns.
    MachineGun,
    /// Assault cannons.
    Cannon,
    /// Lasers.
    Laser,
    /// Grenade launchers.
    Launcher,
    /// Tasers.
    Taser,
    /// Bows and crossbows.
    Bow,
}

/// Weapons that shoot, by name.
pub(crate) const RANGED_WEAPONS: &[&str] = &[
    "Streetline Special", "Streetline", "Walther Palm Pistol", "Walther Palm", "Beretta 101T", "Beretta", "Colt L36",
    "Fichetti 500", "Fichetti 500a", "Fichetti Security 500", "Ares Predator", "Ares Predator II", "Predator",
    "Ares Viper Slivergun", "Viper Slivergun", "Slivergun", "Browning Max-Power", "Remington Roomsweeper",
    "Roomsweeper", "Ruger Super Warhawk", "Super Warhawk", "Warhawk", "Defiance Super Shock", "Super Shock",
    "AK-97 SMG", "HK227", "HK227-S", "Heckler & Koch HK227", "Uzi III", "Uzi", "Remington 750", "Remington 950",
    "Ranger Arms SM-3", "Ranger SM-3", "Enfield AS-7", "Defiance T-250", "AK-97", "AK-98", "FN HAR", "Valiant LMG",
    "Panther Assault Cannon", "Panther Cannon", "Panther", "Ares Alpha", "Alpha Combat Gun", "MGL-12", "MGL-12 mini",
    "Morrissey Alta", "Alta", "MP Laser", "MP Laser 3", "MP Laser III", "Walther MA-2100", "MA-2100", "Laser Pistol",
    "Ingram Valiant", "Ingram Smartgun",
];

/// Words for a weapon that do not name one.
pub(crate) const WEAPON_WORDS: &[(&str, WeaponKind)] = &[
    ("submachine gun", WeaponKind::MachineGun),
    ("machine pistol", WeaponKind::MachineGun),
    ("machine gun", WeaponKind::MachineGun),
    ("grenade launcher", WeaponKind::Launcher),
    ("assault cannon", WeaponKind::Cannon),
    ("assault rifle", WeaponKind::Rifle),
    ("sniper rifle", WeaponKind::Rifle),
    ("sporting rifle", WeaponKind::Rifle),
    ("laser rifle", WeaponKind::Laser),
    ("heavy pistol", WeaponKind::Pistol),
    ("light pistol", WeaponKind::Pistol),
    ("holdout pistol", WeaponKind::Pistol),
    ("hold out", WeaponKind::Pistol),
    ("smg", WeaponKind::MachineGun),
    ("lmg", WeaponKind::MachineGun),
    ("pistol", WeaponKind::Pistol),
    ("handgun", WeaponKind::Pistol),
    ("sidearm", WeaponKind::Pistol),
    ("revolver", WeaponKind::Pistol),
    ("rifle", WeaponKind::Rifle),
    ("sniper", WeaponKind::Rifle),
    ("shotgun", WeaponKind::Shotgun),
    ("cannon", WeaponKind::Cannon),
    ("laser", WeaponKind::Laser),
    ("launcher", WeaponKind::Launcher),
    ("taser", WeaponKind::Taser),
    ("crossbow", WeaponKind::Bow),
    ("bow", WeaponKind::Bow),
    ("gun", WeaponKind::Gun),
    ("firearm", WeaponKind::Gun),
    ("weapon", WeaponKind::Gun),
    ("piece", WeaponKind::Gun),
];

/// How a kind shows in the name or the type of a weapon on a sheet.
pub(crate) const KIND_MARKS: &[(WeaponKind, &[&str])] = &[
    (WeaponKind::Pistol, &["pistol", "predator", "alta", "warhawk", "slivergun", "beretta", "colt", "fichetti", "max-power"]),
    (WeaponKind::Rifle, &["rifle", "ares alpha", "ak-9", "har", "sm-3", "remington", "ma-2100"]),
    (WeaponKind::Shotgun, &["shotgun", "roomsweeper", "as-7", "t-250"]),
    (WeaponKind::MachineGun, &["smg", "lmg", "mmg", "hmg", "machine", "uzi", "hk227", "ingram"]),
    (WeaponKind::Cannon, &["cannon"]),
    (WeaponKind::Laser, &["laser"]),
    (WeaponKind::Launcher, &["launcher", "mgl"]),
    (WeaponKind::Taser, &["taser", "super shock"]),
    (WeaponKind::Bow, &["bow"]),
];

/// What shows that a weapon on a sheet is for close combat or thrown.
pub(crate) const CLOSE_COMBAT_MARKS: &[&str] = &[
    "monowhip", "whip", "katana", "sword", "knife", "blade", "baton", "club", "staff", "spur", "razor", "axe", "melee",
    "grenade", "shuriken", "unarmed", "pole arm", "fist",
];

/// Weapons for close combat, with the skill they use.
pub(crate) const MELEE_WEAPONS: &[(&str, &str)] = &[
    ("monowhip", "Monowhip"), ("mono whip", "Monowhip"), ("whip", "Whips"), ("katana", "Armed Combat"),
    ("sword", "Armed Combat"), ("knife", "Armed Combat"), ("blade", "Armed Combat"), ("dagger", "Armed Combat"),
    ("stun baton", "Armed Combat"), ("baton", "Armed Combat"), ("club", "Armed Combat"), ("staff", "Armed Combat"),
    ("axe", "Armed Combat"), ("spurs", "Unarmed Combat"), ("hand razors", "Unarmed Combat"), ("fists", "Unarmed Combat"),
    ("fist", "Unarmed Combat"), ("bare hands", "Unarmed Combat"),
];

/// Verbs of shooting.
pub(crate) const SHOOT_VERBS: &[&str] = &[
    "shoot", "shoots", "shooting", "shot", "fire", "fires", "firing", "fired", "blast", "blasts", "blasting", "snipe",
    "snipes", "unload", "unloads", "shootin", "shoooot", "shooot", "shhot", "shoto", "shoout",
];

/// Verbs of attacking by whatever means.
pub(crate) const ATTACK_VERBS: &[&str] =
    &["attack", "attacks", "attacking", "kill", "kills", "engage", "engages", "hit", "hits", "waste", "drop", "target"];

/// Verbs of close combat, with the skill they use when no weapon is named.
pub(crate) const MELEE_VERBS: &[(&str, &str)] = &[
    ("punch", "Unarmed Combat"), ("punches", "Unarmed Combat"), ("kick", "Unarmed Combat"), ("kicks", "Unarmed Combat"),
    ("tackle", "Unarmed Combat"), ("grapple", "Unarmed Combat"), ("headbutt", "Unarmed Combat"),
    ("wrestle", "Unarmed Combat"), ("stab", "Armed Combat"), ("stabs", "Armed Combat"), ("slash", "Armed Combat"),
    ("slashes", "Armed Combat"), ("swing", "Armed Combat"), ("parry", "Armed Combat"), ("slice", "Armed Combat"),
    ("lash", "Armed Combat"), ("whip", "Whips"),
];

/// Spells of the rule book's directory, and the samples' own.
pub(crate) const SPELLS: &[&str] = &[
    "Fireball", "Hellblast", "Mana Bolt", "Mana Dart", "Mana Missile", "Manaball", "Mana Ball", "Power Bolt",
    "Power Dart", "Power Missile", "Powerball", "Power Ball", "Ram", "Sleep", "Analyze Device", "Analyze Truth",
    "Clairaudience", "Clairvoyance", "Combat Sense", "Personal Combat Sense", "Detect Enemies", "Detect Individual",
    "Detect Life", "Detect Life Form", "Detect Object", "Mind Probe", "Antidote Toxin", "Antidote Moderate Toxin",
    "Antidote Light Toxin", "Antidote Serious Toxin", "Antidote Deadly Toxin", "Cure Disease", "Detox", "Treat", "Heal",
    "Treat Light Wounds", "Heal Moderate Wounds", "Decrease Attribute", "Decrease Body", "Decrease Strength",
    "Increase Attribute", "Increase Body", "Increase Body +1", "Increase Body +2", "Increase Body +3",
    "Increase Strength", "Increase Quickness", "Increase Reaction", "Increase Cybered Attribute", "Increase Reflexes",
    "Increase Reflexes +1", "Increase Reflexes +2", "Increase Reflexes +3", "Chaos", "Chaotic World", "Confusion",
    "Entertainment", "Invisibility", "Improved Invisibility", "Mask", "Stimulation", "Stink", "Control Actions",
    "Control Emotion", "Control Thoughts", "Hibernate", "Levitate", "Levitate Item", "Levitate Person", "Magic Fingers",
    "Poltergeist", "Armor", "Barrier", "Mana Barrier", "Ignite", "Light", "Shadow", "Flamethrower", "Flame Bomb",
    "Spark", "Ice Sheet", "Stop Regeneration", "Recharge",
];

/// Spells whose name is an everyday word: they count only beside a word of casting or a Force.
pub(crate) const EVERYDAY_SPELLS: &[&str] = &[
    "Ram", "Sleep", "Treat", "Heal", "Chaos", "Confusion", "Entertainment", "Mask", "Stink", "Armor", "Barrier", "Ignite",
    "Light", "Shadow", "Spark", "Recharge", "Stimulation", "Flamethrower", "Hibernate", "Detox",
];

/// Verbs of casting.
pub(crate) const CAST_VERBS: &[&str] =
    &["cast", "casts", "casting", "castin", "hurl", "hurls", "invoke", "sling", "slings", "zap", "zaps", "kast", "csat"];

/// Skills, as the rule book and the sheets spell them.
pub(crate) const SKILLS: &[&str] = &[
    "Armed Combat", "Demolitions", "Firearms", "Gunnery", "Projectile Weapons", "Throwing Weapons", "Throwing",
    "Unarmed Combat", "Athletics", "Stealth", "Etiquette", "Etiquette (Street)", "Interrogation", "Leadership",
    "Negotiation", "Biotech", "Computer", "Computers", "Electronics", "Bike", "Car", "Cars", "Hovercraft", "Motorboat",
    "Sailboat", "Rotor", "Vectored Thrust", "Winged", "Conjuring", "Sorcery", "Biology", "Computer Theory",
    "Cybertechnology", "Magical Theory", "Military Theory", "Physical Sciences", "Psychology", "Sociology", "Monowhip",
    "Whips", "Mech/Anthroform", "English", "French", "Cooking", "Survival",
];

/// Other words for a skill, mostly what the player does.
pub(crate) const SKILL_WORDS: &[(&str, &str)] = &[
    ("first aid", "Biotech"), ("pick the lock", "Electronics"), ("pick a lock", "Electronics"),
    ("open the lock", "Electronics"), ("open the maglock", "Electronics"), ("crack the maglock", "Electronics"),
    ("bypass the", "Electronics"), ("maglock", "Electronics"), ("disarm the bomb", "Demolitions"),
    ("defuse", "Demolitions"), ("explosives", "Demolitions"), ("blow up", "Demolitions"), ("blow open", "Demolitions"),
    ("fast talk", "Negotiation"), ("fasttalk", "Negotiation"), ("talk my way", "Negotiation"),
    ("smooth talk", "Negotiation"), ("make a deal", "Negotiation"), ("street etiquette", "Etiquette (Street)"),
    ("sneak", "Stealth"), ("sneaks", "Stealth"), ("sneaking", "Stealth"), ("hide", "Stealth"), ("hides", "Stealth"),
    ("hiding", "Stealth"), ("creep", "Stealth"), ("creeps", "Stealth"), ("slip past", "Stealth"),
    ("slink", "Stealth"), ("stealthily", "Stealth"), ("silently", "Stealth"), ("stealthy", "Stealth"),
    ("shadow the", "Stealth"), ("tail the", "Stealth"), ("prowl", "Stealth"),
    ("hack", "Computer"), ("hacks", "Computer"), ("hacking", "Computer"), ("decking", "Computer"),
    ("computer", "Computer"), ("mainframe", "Computer"), ("data store", "Computer"), ("jack in", "Computer"),
    ("climb", "Athletics"), ("climbs", "Athletics"), ("climbing", "Athletics"), ("jump", "Athletics"),
    ("jumps", "Athletics"), ("leap", "Athletics"), ("swim", "Athletics"), ("vault", "Athletics"),
    ("sprint", "Athletics"), ("balance", "Athletics"), ("scale the", "Athletics"),
    ("drive", "Car"), ("drives", "Car"), ("driving", "Car"), ("swerve", "Car"), ("motorcycle", "Bike"),
    ("my bike", "Bike"), ("ride", "Bike"), ("helicopter", "Rotor"), ("chopper", "Rotor"), ("hover", "Hovercraft"),
    ("sail", "Sailboat"), ("my boat", "Motorboat"),
    ("negotiate", "Negotiation"), ("negotiates", "Negotiation"), ("haggle", "Negotiation"), ("bargain", "Negotiation"),
    ("persuade", "Negotiation"), ("convince", "Negotiation"), ("bluff", "Negotiation"), ("lie to", "Negotiation"),
    ("bribe", "Negotiation"), ("barter", "Negotiation"), ("con the", "Negotiation"),
    ("intimidate", "Interrogation"), ("interrogate", "Interrogation"), ("question the", "Interrogation"),
    ("threaten", "Interrogation"), ("inspire", "Leadership"), ("rally", "Leadership"), ("command the", "Leadership"),
    ("order the", "Leadership"), ("blend in", "Etiquette"), ("mingle", "Etiquette"), ("charm", "Etiquette"),
    ("ask around", "Etiquette"), ("legwork", "Etiquette"),
    ("bandage", "Biotech"), ("patch up", "Biotech"), ("patch him", "Biotech"), ("patch her", "Biotech"),
    ("stabilise", "Biotech"), ("stabilize", "Biotech"), ("medkit", "Biotech"), ("tend the", "Biotech"),
    ("rewire", "Electronics"), ("hotwire", "Electronics"), ("hot wire", "Electronics"), ("repair", "Electronics"),
    ("summon", "Conjuring"), ("conjure", "Conjuring"), ("banish", "Conjuring"), ("assense", "Sorcery"),
];

/// Attributes and the words that mean a test of one, or a question about one.
pub(crate) const ATTRIBUTES: &[&str] =
    &["body", "quickness", "strength", "charisma", "intelligence", "willpower", "essence", "magic", "reaction"];

/// Words for a test of an attribute. There is no Perception skill in this edition: Intelligence notices.
pub(crate) const ATTRIBUTE_WORDS: &[(&str, &str)] = &[
    ("look around", "intelligence"), ("look for", "intelligence"), ("listen", "intelligence"),
    ("perception", "intelligence"), ("notice", "intelligence"), ("spot", "intelligence"), ("search", "intelligence"),
    ("investigate", "intelligence"), ("lift the", "strength"), ("lift a", "strength"), ("break down", "strength"),
    ("force open", "strength"), ("bash", "strength"), ("push the", "strength"), ("resist damage", "body"),
];

/// Words that tell how hard a test is, and what `calculate_target_number` calls it.
pub(crate) const DIFFICULTIES: &[(&str, &str)] = &[
    ("very difficult", "very_difficult"), ("very hard", "very_difficult"), ("extremely hard", "very_difficult"),
    ("extremely difficult", "very_difficult"), ("nearly impossible", "very_difficult"), ("not easy", "difficult"),
    ("trivial", "trivial"), ("trivially", "trivial"), ("very easy", "trivial"), ("easy", "easy"), ("simple", "easy"),
    ("routine", "easy"), ("average", "average"), ("normal difficulty", "average"), ("difficult", "difficult"),
    ("hard", "difficult"), ("tough", "difficult"), ("challenging", "difficult"), ("tricky", "difficult"),
];

/// Light, as the scene calls it.
pub(crate) const LIGHTS: &[(&str, &str)] = &[
    ("lights go out", "DARK"), ("lights went out", "DARK"), ("lights are out", "DARK"), ("lights out", "DARK"),
    ("lights die", "DARK"), ("turn off the lights", "DARK"), ("turn the lights off", "DARK"),
    ("switch off the lights", "DARK"), ("kill the lights", "DARK"), ("lights go off", "DARK"), ("no light", "DARK"),
    ("pitch black", "DARK"), ("pitch dark", "DARK"), ("full darkness", "DARK"), ("total darkness", "DARK"),
    ("complete darkness", "DARK"), ("not dark", "NORMAL"), ("lights come on", "NORMAL"),
    ("lights come back", "NORMAL"), ("lights go on", "NORMAL"), ("lights are on", "NORMAL"),
    ("lights on", "NORMAL"), ("turn on the lights", "NORMAL"), ("turn the lights on", "NORMAL"),
    ("switch on the lights", "NORMAL"), ("well lit", "NORMAL"), ("good light", "NORMAL"), ("normal light", "NORMAL"),
    ("full light", "NORMAL"), ("bright light", "NORMAL"), ("broad daylight", "NORMAL"), ("daylight", "NORMAL"),
    ("brightly lit", "NORMAL"), ("partial light", "PARTIAL"), ("half light", "PARTIAL"), ("partially lit", "PARTIAL"),
    ("twilight", "PARTIAL"), ("dusk", "PARTIAL"), ("dawn", "PARTIAL"), ("minimal light", "DIM"), ("dim light", "DIM"),
    ("low light", "DIM"), ("poor light", "DIM"), ("bad light", "DIM"), ("dimly lit", "DIM"), ("moonlight", "DIM"),
    ("lights dim", "DIM"), ("candlelight", "DIM"), ("gloom", "DIM"), ("dim", "DIM"), ("in the dark", "DARK"),
    ("darkness", "DARK"), ("dark", "DARK"),
];

/// What hampers sight besides the light, as an attack's `conditions` call it.
pub(crate) const AIR: &[(&str, &str)] = &[
    ("heavy smoke", "heavy_smoke"), ("thick smoke", "heavy_smoke"), ("light smoke", "light_smoke"),
    ("thin smoke", "light_smoke"), ("smoke", "light_smoke"), ("heavy fog", "heavy_smoke"), ("thick fog", "heavy_smoke"),
    ("fog", "light_smoke"), ("heavy rain", "heavy_smoke"), ("pouring rain", "heavy_smoke"), ("rain", "light_smoke"),
    ("thermal smoke", "light_thermal_smoke"), ("heavy thermal smoke", "heavy_thermal_smoke"), ("mist", "mist"),
    ("glare", "glare"),
];

/// How a weapon is fired.
pub(crate) const FIRING_MODES: &[(&str, &str)] = &[
    ("single shot", "SS"), ("semi auto", "SA"), ("semiauto", "SA"), ("semi automatic", "SA"), ("burst", "BF"),
    ("burst fire", "BF"), ("three round burst", "BF"), ("full auto", "FA"), ("full automatic", "FA"), ("fully automatic", "FA"),
    ("autofire", "FA"),
];

/// Rounds that are not the regular ones.
pub(crate) const AMMUNITION: &[(&str, &str)] = &[
    ("explosive rounds", "explosive"), ("explosive ammo", "explosive"), ("explosive bullets", "explosive"),
    ("ex rounds", "explosive"), ("gel rounds", "gel"), ("gel ammo", "gel"), ("gel bullets", "gel"),
    ("flechette", "flechette"), ("flechettes", "flechette"),
];

/// How something moves.
pub(crate) const MOVEMENTS: &[(&str, &str)] = &[
    ("standing still", "stationary"), ("stands still", "stationary"), ("not moving", "stationary"),
    ("isn't moving", "stationary"), ("doesn't move", "stationary"), ("stationary", "stationary"),
    ("motionless", "stationary"), ("stops moving", "stationary"), ("immobile", "stationary"), ("frozen", "stationary"),
    ("walking", "walking"), ("walks", "walking"), ("strolling", "walking"), ("running", "running"), ("runs", "running"),
    ("sprinting", "running"), ("sprints", "running"), ("charging", "running"), ("charges", "running"),
    ("fleeing", "running"), ("flees", "running"), ("dashing", "running"),
];

/// Cover: words and whether nothing of the target shows.
pub(crate) const COVERS: &[(&str, &str)] = &[
    ("partial cover", "partial"), ("half cover", "partial"), ("light cover", "partial"), ("some cover", "partial"),
    ("partially covered", "partial"), ("full cover", "full"), ("total cover", "full"), ("complete cover", "full"),
    ("behind cover", "partial"), ("in cover", "partial"), ("takes cover", "partial"), ("has cover", "partial"),
    ("no cover", "none"), ("in the open", "none"),
];

/// Words of a called shot.
pub(crate) const CALLED_SHOTS: &[&str] = &[
    "called shot", "call a shot", "call the shot", "call my shot", "headshot", "head shot", "in the head", "for the head",
    "at his head", "at her head", "at its head", "at the head", "his head", "in the leg", "in the eye", "for the eye",
    "for the leg", "in the knee", "vital spot",
];

/// A section of a sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    /// The whole, in short.
    Whole,
    /// All attributes.
    Attributes,
    /// All skills.
    Skills,
    /// Spells.
    Spells,
    /// Weapons.
    Weapons,
    /// Armour.
    Armor,
    /// Everything else carried.
    Equipment,
    /// Contacts.
    Contacts,
    /// Vehicles and drones.
    Vehicles,
    /// Cyberware.
    Cyberware,
    /// Bioware.
    Bioware,
    /// Cyberdecks.
    Cyberdecks,
    /// Edges and flaws.
    EdgesAndFlaws,
    /// Bound spirits.
    Spirits,
    /// Foci.
    Foci,
    /// Adept powers.
    Powers,
    /// Money.
    Nuyen,
    /// Karma.
    Karma,
    /// The pools.
    Pools,
    /// Initiative.
    Initiative,
    /// Lifestyle.
    Lifestyle,
    /// Wounds.
    Condition,
    /// What is told of his past.
    Background,
}

/// Words for a section.
pub(crate) const SECTIONS: &[(&str, Section)] = &[
    ("character sheet", Section::Whole), ("combat pool", Section::Pools), ("magic pool", Section::Pools),
    ("hacking pool", Section::Pools), ("control pool", Section::Pools), ("dice pools", Section::Pools),
    ("karma pool", Section::Karma), ("pools", Section::Pools), ("pool", Section::Pools),
    ("adept powers", Section::Powers), ("powers", Section::Powers), ("power points", Section::Powers),
    ("edges", Section::EdgesAndFlaws), ("flaws", Section::EdgesAndFlaws), ("edge", Section::EdgesAndFlaws),
    ("attributes", Section::Attributes), ("stats", Section::Attributes), ("skills", Section::Skills),
    ("languages", Section::Skills), ("spells", Section::Spells), ("spellbook", Section::Spells),
    ("grimoire", Section::Spells), ("weapons", Section::Weapons), ("weapon", Section::Weapons),
    ("guns", Section::Weapons), ("arsenal", Section::Weapons), ("armed", Section::Weapons), ("armor", Section::Armor),
    ("armour", Section::Armor), ("gear", Section::Equipment), ("equipment", Section::Equipment),
    ("inventory", Section::Equipment), ("contacts", Section::Contacts), ("contact", Section::Contacts),
    ("vehicles", Section::Vehicles), ("vehicle", Section::Vehicles), ("drones", Section::Vehicles),
    ("cars", Section::Vehicles), ("cyberware", Section::Cyberware), ("cyber", Section::Cyberware),
    ("chrome", Section::Cyberware), ("implants", Section::Cyberware), ("bioware", Section::Bioware),
    ("cyberdecks", Section::Cyberdecks), ("cyberdeck", Section::Cyberdecks), ("deck", Section::Cyberdecks),
    ("decks", Section::Cyberdecks), ("spirits", Section::Spirits), ("spirit", Section::Spirits),
    ("foci", Section::Foci), ("focus", Section::Foci), ("nuyen", Section::Nuyen), ("money", Section::Nuyen),
    ("cash", Section::Nuyen), ("credits", Section::Nuyen), ("creds", Section::Nuyen), ("rich", Section::Nuyen),
    ("karma", Section::Karma), ("initiative", Section::Initiative), ("lifestyle", Section::Lifestyle),
    ("condition monitor", Section::Condition), ("condition", Section::Condition), ("wounded", Section::Condition),
    ("wounds", Section::Condition), ("hurt", Section::Condition), ("damage", Section::Condition),
    ("health", Section::Condition), ("background", Section::Background), ("backstory", Section::Background),
    ("sheet", Section::Whole), ("stat block", Section::Whole), ("character", Section::Whole),
];

/// What players ask for that the house game master has no rules for, and what he can do instead.
pub(crate) const UNSUPPORTED: &[(&str, &str)] = &[
    ("grenade", "I have no blast tables at this table. Roll Throwing Weapons with me and we settle where it lands: \"Throwing Weapons test against 4\"."),
    ("astral", "I do not run astral space. A Sorcery or Conjuring test against a target number you agree on is the nearest thing I have."),
    ("matrix", "I do not run Matrix hosts node by node. A Computer test is the nearest thing: \"Computer test against 5\"."),
    ("buy", "I keep no shop and change no sheet. I can look up your nuyen and gear, and roll Negotiation or Etiquette for the deal."),
    ("sell", "I keep no shop and change no sheet. I can look up your gear, and roll Negotiation for the deal."),
    ("level up", "I change no sheet. I can tell you how your karma and your skills stand."),
    ("raise my", "I change no sheet. I can tell you how your karma and your skills stand."),
    ("take damage", "I do not mark wounds. I can roll the resistance: \"roll 6 dice against 4\"."),
];

/// Verbs and words that begin a question or ask to be shown something.
pub(crate) const ASKING: &[&str] = &[
    "what", "whats", "which", "how", "who", "whos", "whose", "where", "show", "list", "display", "tell", "view", "describe",
    "read", "lookup", "see", "do", "does", "is", "are", "am", "wat", "print", "open", "pull",
];

/// Spells thrown at somebody: without a word about the target, the scene's target is meant.
pub(crate) const SPELLS_AT_A_FOE: &[&str] = &[
    "Fireball", "Hellblast", "Mana Bolt", "Mana Dart", "Mana Missile", "Manaball", "Mana Ball", "Power Bolt",
    "Power Dart", "Power Missile", "Powerball", "Power Ball", "Ram", "Sleep", "Chaos", "Chaotic World", "Confusion",
    "Flamethrower", "Flame Bomb", "Spark", "Control Actions", "Control Emotion", "Control Thoughts", "Mind Probe",
];
