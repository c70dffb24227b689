//! The rules in a few sentences each, in our own words, for look-ups. The figures are computed in the `rules` crate.

/// Every summary: what it is about, and what the rule says.
pub const SUMMARIES: &[(&str, &str)] = &[
    (
        "Success Test",
        "Roll as many dice as the skill has against a target number; each die that reaches it is a success. A target number is never below 2.",
    ),
    (
        "Rule of Six",
        "Against a target number above 6 a six is rolled again and added, until the die reaches the number.",
    ),
    (
        "Rule of One",
        "If all dice of a test show 1 it is a disaster. A point of the Karma Pool makes it a plain failure.",
    ),
    (
        "Opposed Test",
        "Both sides roll; who has more successes wins. In melee a tie goes to the attacker; against a spell it means the least effect.",
    ),
    ("Base Time", "A task takes its base time divided by the successes, rounded to the nearest unit."),
    (
        "Difficulty",
        "Simple 2, routine 3, average 4, challenging 5, difficult 6 to 7, strenuous 8, extreme 9, nearly impossible 10 and more.",
    ),
    (
        "Default and Skill Web",
        "Without a skill one rolls an attribute or a related skill: follow the web in the direction of its arrows, +2 to the target number for each circle entered. Without a path the test is impossible.",
    ),
    (
        "Concentration and Specialization",
        "A concentration is one above the skill, a specialization two; the general skill sinks by as many at creation.",
    ),
    (
        "Initiative",
        "Reaction and 1D6, with more dice from ware and spells; wounds lower Reaction. One acts at the total and every ten below it, while above 0.",
    ),
    ("Actions", "An action is a Free Action and either two Simple Actions or one Complex Action."),
    (
        "Surprise",
        "A Reaction test against 4, or 2 for whoever lies in wait. One may act only against those with fewer successes; who beats nobody and is beaten does nothing for ten phases.",
    ),
    (
        "Movement",
        "Walking covers Quickness in metres a phase; running three times as much, for dwarfs and trolls twice.",
    ),
    (
        "Delayed Action",
        "It acts before others in the phase that is chosen; the next action is ten phases after it at the earliest. Using pool dice breaks it.",
    ),
    (
        "Combat Pool",
        "Half the sum of Quickness, Intelligence and Willpower, rounded down; whole again at each own action. At most the skill's rating in dice for an attack, as many as one likes to resist damage.",
    ),
    (
        "Magic Pool",
        "Sorcery and power foci. At most Magic in dice for a spell's success, any number against drain, none for conjuring.",
    ),
    (
        "Hacking Pool",
        "Computer skill and Reaction, raised by the deck's response increase only; at most the program's rating in dice.",
    ),
    (
        "Control Pool",
        "Reaction with two for each level of the vehicle control rig; none without a rig. At most the skill in dice.",
    ),
    (
        "Karma Pool",
        "A tenth of the Karma earned, rounded up; whole again with each scene. It rolls failures again (1, then 2, …), avoids a disaster (1), buys dice (1 each, at most the skill), or successes (1 each, lost for good, only on top of one that was rolled).",
    ),
    (
        "Good Karma",
        "Buys attributes at the new rating (twice that above the racial maximum), general skills at twice the new rating, concentrations at one and a half times, specializations and languages at the new rating, a new skill for 1.",
    ),
    (
        "Range",
        "Short 4, medium 5, long 6, extreme 9. Image magnification moves the range as many steps nearer as its rating.",
    ),
    (
        "Recoil",
        "The second semi-automatic shot of a phase +1, each burst +3, full automatic +1 for each round of the phase. Compensation takes it off; what is left counts double for heavy machine guns, medium ones and shotguns.",
    ),
    ("Cover", "Partial cover +4; a target that cannot be seen at all is shot at blindly, +8."),
    (
        "Visibility",
        "Darkness, poor light, glare, mist and smoke add to target numbers, less for eyes with low light or thermographic vision, and less for natural than for cybernetic ones. The worst condition counts.",
    ),
    (
        "Smartlink",
        "A smartlink with a smart weapon is -2, smart goggles -1, a laser sight -1 up to 50 metres in clear air.",
    ),
    ("Aiming", "Each Simple Action of aiming is -1, at most half the skill."),
    ("Called Shot", "4 harder and a damage level more, not in full automatic fire."),
    (
        "Firing Modes",
        "A burst of three is Power +3 and a level more; full automatic is Power +1 a round and a level for each three rounds.",
    ),
    (
        "Ammunition",
        "Explosive rounds: Power +1. Gel rounds: Power -2, Stun, against impact armor. Flechette: a level more against the unarmored; armor counts twice its impact or its ballistic rating.",
    ),
    (
        "Damage Resistance",
        "Body and Combat Pool dice against Power less armor: ballistic for firearms, impact for melee, blasts and what is thrown. Only the highest armor worn counts; helmets add.",
    ),
    (
        "Staging",
        "Two net successes of the attacker raise the wound a level, two of the defender lower it. Below Light there is no wound, above Deadly none worse.",
    ),
    (
        "Complete Miss",
        "If the defender's Combat Pool dice alone have more successes than the attacker, the shot misses: this edition's way to dodge.",
    ),
    (
        "Wounds",
        "Light is 1 box, Moderate 3, Serious 6, Deadly 10. They add 1, 2 or 3 to target numbers, Physical and Stun together, and lower Reaction by as much; a full track is out of action.",
    ),
    (
        "Condition Monitor",
        "Ten boxes of Stun and ten of Physical damage. Stun beyond ten becomes Physical; Physical beyond ten is overflow, and more of it than natural Body is death.",
    ),
    (
        "Knockdown",
        "Body test against half the Power (in melee the opponent's Strength): more successes than 1, 2 or 3 by the wound to stay, none to fall; a Deadly wound always knocks down.",
    ),
    (
        "Grenades",
        "They scatter 1D6, 2D6 (aerodynamic) or 3D6 (launched) metres, less for each success; Power falls with distance.",
    ),
    (
        "Barriers",
        "Their rating counts twice against shots and blows. Firing through one adds the plain rating to armor; if it is above the Power the shot stops.",
    ),
    (
        "Melee Combat",
        "Both roll skill and Combat Pool against 4; who has more successes hits, a tie goes to the attacker. Reach, numbers, position and wounds change the target numbers.",
    ),
    (
        "First Aid",
        "Biotech against 4, 6, 8 or 10 by the wound, within an hour; a level heals. No medkit +4, a magician +2, a high Body helps. A Deadly wound is only stabilised.",
    ),
    (
        "Healing",
        "Stun: Body or Willpower against 2 and wounds, a box in an hour divided by the successes. Physical: Body against 4, 6, 8 or 10, a level in a day to a month by the wound.",
    ),
    (
        "Spellcasting",
        "Force, Magic Pool, totem and focus dice against the target's Willpower (mana), Body (physical), or the spell's own figure. The target resists with the same attribute against Force.",
    ),
    (
        "Drain",
        "Willpower and Magic Pool dice against half the Force and the spell's figure; each two successes lower the level. It is Stun, or Physical for a Force above Magic.",
    ),
    (
        "Sustaining Spells",
        "Each sustained spell makes every other test 2 harder; at most Sorcery spells. Dropping one is a Free Action.",
    ),
    (
        "Exclusive and Fetish Spells",
        "An exclusive spell counts its Force 2 higher and stands alone; a fetish adds 1 (reusable) or 2 (expendable).",
    ),
    (
        "Learning Spells",
        "Sorcery and Magical Theory dice against twice the Force, days of its Force divided by the successes; it costs Force in Good Karma.",
    ),
    (
        "Conjuring",
        "Conjuring dice against Force; each success is a service. Drain is resisted with Charisma against Force.",
    ),
    (
        "Bonding Foci",
        "Good Karma for each point of rating: specific spell 1, spirit 2, spell category 3, weapon 4 or 5, power 5; a spell lock 1 in all. At most Intelligence foci are active.",
    ),
    (
        "Noticing Spellcasting",
        "Perception against twice what the caster's Magic exceeds the Force; whoever perceives astrally notices without a test.",
    ),
    (
        "Astral Space and the Order of a Phase",
        "In a phase whoever is astral acts first, then who is in the Matrix, then everybody else. Astral perception notices spellcasting without a test.",
    ),
    (
        "Damaging Manipulations",
        "Flamethrower, Flame Bomb and Spark do (Force)M against a target number of 4. The target resists with Body and Combat Pool dice against Force less half its impact armor.",
    ),
    (
        "Weapon Accessories",
        "Bipod 2, tripod 6, shock pad 1, gas vent II 2 and III 3 points of recoil compensation; a gyro mount 5 or 6, of movement, too. A weapon takes one of each kind (mount_accessory).",
    ),
    ("Object Resistance", "A natural thing 3, of low technology 5, of high technology 8, highly processed 10."),
    ("Essence", "Six for everybody; cyberware costs it, and it does not come back. Magicians lose Magic with it."),
    ("Body Index", "Bioware takes it up; at most natural Body."),
    (
        "Vehicle Position Test",
        "Vehicle skill and Control Pool dice against Handling and terrain: open 0, normal +1, restricted +2, tight +4.",
    ),
    (
        "Crash",
        "After Serious damage to the vehicle the driver tests again. Power is a tenth of the cruise rating, the level goes by the speed: to 20 Light, to 60 Moderate, to 200 Serious, above Deadly.",
    ),
    (
        "Reloading",
        "A clip takes two Simple Actions, a break action two rounds for a Complex Action, magazine and cylinder as many rounds as Quickness.",
    ),
    (
        "Creating a Character",
        "Priorities A to E for race, magic, attributes (30 to 15 points), skills (40 to 17) and resources (1,000,000 to 500 nuyen).",
    ),
];
