//! Weapons and how they are used.

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
    "Streetline Special",
    "Walther Palm Pistol",
    "Beretta 101T",
    "Colt L36",
    "Fichetti 500",
    "Fichetti 500a",
    "Ares Predator",
    "Ares Predator II",
    "Ares Viper Slivergun",
    "Browning Max-Power",
    "Remington Roomsweeper",
    "Ruger Super Warhawk",
    "Defiance Super Shock",
    "AK-97 SMG",
    "HK227",
    "HK227-S",
    "Uzi III",
    "Remington 750",
    "Remington 950",
    "Ranger Arms SM-3",
    "Enfield AS-7",
    "Defiance T-250",
    "AK-97",
    "AK-98",
    "FN HAR",
    "Valiant LMG",
    "Panther Assault Cannon",
    "Ares Alpha",
    "MGL-12",
    "MGL-12 mini",
    "Morrissey Alta",
    "MP Laser",
    "MP Laser 3",
    "Walther MA-2100",
    "Laser Pistol",
];

/// What players call them.
pub(crate) const WEAPON_NICKNAMES: &[(&str, &str)] = &[
    ("Streetline", "Streetline Special"),
    ("Walther Palm", "Walther Palm Pistol"),
    ("Beretta", "Beretta 101T"),
    ("Predator", "Ares Predator"),
    ("Viper Slivergun", "Ares Viper Slivergun"),
    ("Slivergun", "Ares Viper Slivergun"),
    ("Max-Power", "Browning Max-Power"),
    ("Roomsweeper", "Remington Roomsweeper"),
    ("Super Warhawk", "Ruger Super Warhawk"),
    ("Warhawk", "Ruger Super Warhawk"),
    ("Super Shock", "Defiance Super Shock"),
    ("Heckler & Koch HK227", "HK227"),
    ("Uzi", "Uzi III"),
    ("Ranger SM-3", "Ranger Arms SM-3"),
    ("Panther Cannon", "Panther Assault Cannon"),
    ("Panther", "Panther Assault Cannon"),
    ("Alpha", "Ares Alpha"),
    ("Alta", "Morrissey Alta"),
    ("MP Laser III", "MP Laser 3"),
    ("MA-2100", "Walther MA-2100"),
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
    (
        WeaponKind::Pistol,
        &["pistol", "predator", "alta", "warhawk", "slivergun", "beretta", "colt", "fichetti", "max-power"],
    ),
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
    ("monowhip", "Monowhip"),
    ("mono whip", "Monowhip"),
    ("whip", "Whips"),
    ("katana", "Armed Combat"),
    ("sword", "Armed Combat"),
    ("knife", "Armed Combat"),
    ("blade", "Armed Combat"),
    ("dagger", "Armed Combat"),
    ("stun baton", "Armed Combat"),
    ("baton", "Armed Combat"),
    ("club", "Armed Combat"),
    ("staff", "Armed Combat"),
    ("axe", "Armed Combat"),
    ("spurs", "Unarmed Combat"),
    ("hand razors", "Unarmed Combat"),
    ("fists", "Unarmed Combat"),
    ("fist", "Unarmed Combat"),
    ("bare hands", "Unarmed Combat"),
];

/// Verbs of shooting.
pub(crate) const SHOOT_VERBS: &[&str] = &[
    "shoot", "shoots", "shooting", "shot", "fire", "fires", "firing", "fired", "blast", "blasts", "blasting", "snipe",
    "snipes", "unload", "unloads", "shootin", "shoooot", "shooot", "shhot", "shoto", "shoout",
];

/// Phrases of shooting.
pub(crate) const SHOOT_PHRASES: &[&str] = &[
    "open fire",
    "pull the trigger",
    "take a shot",
    "take the shot",
    "take another shot",
    "squeeze the trigger",
    "rounds into",
    "round into",
    "bullets into",
    "bullet into",
    "return fire",
    "squeeze off",
    "empty my clip",
    "put a bullet",
    "opens fire",
    "pulls the trigger",
];

/// Verbs of attacking by whatever means.
pub(crate) const ATTACK_VERBS: &[&str] =
    &["attack", "attacks", "attacking", "kill", "kills", "engage", "engages", "hit", "hits", "waste"];

/// Verbs of close combat, with the skill they use when no weapon is named.
pub(crate) const MELEE_VERBS: &[(&str, &str)] = &[
    ("punch", "Unarmed Combat"),
    ("punches", "Unarmed Combat"),
    ("kick", "Unarmed Combat"),
    ("kicks", "Unarmed Combat"),
    ("tackle", "Unarmed Combat"),
    ("grapple", "Unarmed Combat"),
    ("headbutt", "Unarmed Combat"),
    ("wrestle", "Unarmed Combat"),
    ("stab", "Armed Combat"),
    ("stabs", "Armed Combat"),
    ("slash", "Armed Combat"),
    ("slashes", "Armed Combat"),
    ("swing", "Armed Combat"),
    ("parry", "Armed Combat"),
    ("slice", "Armed Combat"),
    ("lash", "Armed Combat"),
    ("whip", "Whips"),
];

/// How a weapon is fired.
pub(crate) const FIRING_MODES: &[(&str, &str)] = &[
    ("single shot", "SS"),
    ("semi auto", "SA"),
    ("semiauto", "SA"),
    ("semi automatic", "SA"),
    ("burst", "BF"),
    ("bursts", "BF"),
    ("burst fire", "BF"),
    ("three round burst", "BF"),
    ("full auto", "FA"),
    ("full automatic", "FA"),
    ("fully automatic", "FA"),
    ("autofire", "FA"),
];

/// Rounds that are not the regular ones.
pub(crate) const AMMUNITION: &[(&str, &str)] = &[
    ("explosive rounds", "explosive"),
    ("explosive ammo", "explosive"),
    ("explosive bullets", "explosive"),
    ("ex rounds", "explosive"),
    ("gel rounds", "gel"),
    ("gel ammo", "gel"),
    ("gel bullets", "gel"),
    ("flechette", "flechette"),
    ("flechettes", "flechette"),
];

/// Words of a called shot.
pub(crate) const CALLED_SHOTS: &[&str] = &[
    "called shot",
    "call a shot",
    "call the shot",
    "call my shot",
    "headshot",
    "head shot",
    "in the head",
    "for the head",
    "at his head",
    "at her head",
    "at its head",
    "at the head",
    "his head",
    "in the leg",
    "in the eye",
    "for the eye",
    "for the leg",
    "in the knee",
    "vital spot",
];
