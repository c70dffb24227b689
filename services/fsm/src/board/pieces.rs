//! The pieces where they are now, and what figures they make.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{
    AT_WAR, COMPANIONS, CORRUPTION_COUNTER, CURRENT_ACTION, FELLOWSHIP, FELLOWSHIP_BOX, FREE_PEOPLES_HAND, GUIDE_BOX,
    MINIONS, NATIONS, PROGRESS_COUNTER, Piece, PieceId, REINFORCEMENTS, SHADOW_DICE, SHADOW_HAND, STRONGHOLD_BOXES,
    Side, TRACK, Tables, VICTORY_TRACK, cards, die_side, holds_armies, is_nazgul, is_on_the_way, is_region, leadership,
    stronghold_side, unit_side,
};
use crate::map::{self, Kind};

/// The pieces where they are now.
pub(super) struct Board<'a> {
    pieces: &'a [Piece],
    /// Area by number: where the piece has moved to, else where the game opened with it.
    areas: BTreeMap<i64, i64>,
}

impl Board<'_> {
    pub(super) fn new(tables: &Tables) -> Board<'_> {
        let mut areas = tables.setup.clone();
        for piece in &tables.pieces {
            if let PieceId::Number(number) = piece.id {
                areas.insert(number, piece.area);
            }
        }
        Board { pieces: &tables.pieces, areas }
    }

    pub(super) fn area(&self, id: i64) -> Option<i64> {
        self.areas.get(&id).copied()
    }

    pub(super) fn of_kind<'b>(&'b self, kind: &'b str) -> impl Iterator<Item = &'b Piece> {
        self.pieces.iter().filter(move |piece| piece.kind == kind)
    }

    pub(super) fn state(&self, id: i64) -> Option<&Map<String, Value>> {
        self.pieces.iter().find(|piece| piece.id == PieceId::Number(id)).map(|piece| &piece.state)
    }

    pub(super) fn in_area(&self, area: i64) -> impl Iterator<Item = i64> {
        self.areas.iter().filter(move |(_, there)| **there == area).map(|(id, _)| *id)
    }

    pub(super) fn numbers_in(&self, area: i64) -> Option<Value> {
        (!self.areas.is_empty()).then(|| Value::from(self.in_area(area).collect::<Vec<_>>()))
    }

    pub(super) fn hand(&self, documented: bool, documented_area: i64, area: i64) -> Option<Value> {
        if documented {
            let cards = self.of_kind("card").filter(|piece| piece.area == documented_area).count();
            if 0 < cards {
                return Some(Value::from(cards));
            }
        }
        (!self.areas.is_empty()).then(|| Value::from(self.in_area(area).count()))
    }

    /// What the cards in both hands are called, and of which type they are, as far as that is known.
    pub(super) fn cards_at_hand(&self, names: &BTreeMap<i64, String>) -> (Value, Value) {
        let hands = [FREE_PEOPLES_HAND, SHADOW_HAND].into_iter().flat_map(|hand| self.in_area(hand));
        let named: Vec<(String, &String)> = hands
            .filter(|card| cards::is_card(*card))
            .filter_map(|card| Some((card.to_string(), names.get(&card)?)))
            .collect();
        let types = named.iter().filter_map(|(card, name)| Some((card.clone(), Value::from(cards::type_of(name)?))));
        let types = types.collect::<Map<_, _>>();
        let names = named.into_iter().map(|(card, name)| (card, Value::from(name.as_str()))).collect::<Map<_, _>>();
        (names.into(), types.into())
    }

    pub(super) fn has_dice(&self) -> bool {
        self.areas.keys().any(|id| die_side(*id).is_some()) || self.of_kind("action_die").next().is_some()
    }

    /// The dice of a side in an area, in ascending order. Dice by name belong to the side in whose pool they lie.
    pub(super) fn dice_in(&self, side: Side, area: i64) -> Vec<PieceId> {
        let numbered = self.in_area(area).filter(|id| die_side(*id) == Some(side)).map(PieceId::Number);
        let named = self.of_kind("action_die").filter(|piece| piece.area == area).filter_map(|piece| match &piece.id {
            PieceId::Name(name) => {
                let shadow = area == SHADOW_DICE || name.contains("sp") || name.contains("shadow");
                let of_side = shadow == (side == Side::Shadow);
                of_side.then(|| piece.id.clone())
            }
            PieceId::Number(_) => None,
        });
        let mut dice: Vec<_> = numbered.chain(named).collect();
        dice.sort();
        dice
    }

    pub(super) fn dice(&self, side: Side, area: i64) -> Option<Value> {
        self.has_dice().then(|| self.dice_in(side, area).iter().map(PieceId::to_value).collect())
    }

    pub(super) fn current_action(&self) -> Value {
        let sides = [Side::FreePeoples, Side::Shadow];
        sides.into_iter().flat_map(|side| self.dice_in(side, CURRENT_ACTION)).map(|id| id.to_value()).collect()
    }

    /// Shadow dice in the pool that show an Eye; the client keeps no faces in its database.
    pub(super) fn eye_dice(&self) -> Option<Value> {
        let face = |piece: &Piece| piece.state.get("result").and_then(Value::as_str).map(str::to_ascii_lowercase);
        let is_die = |piece: &&Piece| match piece.id {
            PieceId::Number(number) => die_side(number) == Some(Side::Shadow),
            PieceId::Name(_) => piece.kind == "action_die",
        };
        let faces: Vec<_> =
            self.pieces.iter().filter(is_die).filter_map(|piece| Some((piece.area, face(piece)?))).collect();
        let eyes = faces.iter().filter(|(area, face)| *area == SHADOW_DICE && face == "eye").count();
        (!faces.is_empty()).then(|| Value::from(eyes))
    }

    pub(super) fn fellowship_area(&self) -> Option<i64> {
        let by_kind =
            self.of_kind("fellowship").map(|piece| piece.area).find(|area| *area != 0 && is_on_the_way(*area));
        self.area(FELLOWSHIP).filter(|area| is_on_the_way(*area)).or(by_kind)
    }

    /// What a row says about the Fellowship: its counter first, then its figure, then the row that goes by its name.
    pub(super) fn fellowship_state(&self, key: &str) -> Option<Value> {
        let named = self.pieces.iter().find(|piece| piece.id == PieceId::Name("fellowship".to_owned()));
        let states = [self.state(PROGRESS_COUNTER), self.state(FELLOWSHIP), named.map(|piece| &piece.state)];
        states.into_iter().flatten().find_map(|state| state.get(key).cloned())
    }

    pub(super) fn on_track(&self, id: i64, first: i64, highest: i64) -> Option<Value> {
        let value = self.area(id)? - first;
        (0..=highest).contains(&value).then(|| Value::from(value))
    }

    pub(super) fn corruption(&self) -> Option<Value> {
        let by_kind =
            self.of_kind("corruption_counter").map(|piece| piece.area - TRACK).find(|value| (0..=12).contains(value));
        let on_track = self.on_track(CORRUPTION_COUNTER, TRACK, 12).or(by_kind.map(Value::from));
        on_track.or_else(|| {
            self.fellowship_state("corruption")
                .filter(|value| value.as_i64().is_some_and(|value| (0..=12).contains(&value)))
        })
    }

    pub(super) fn companions(&self) -> Option<Value> {
        let known = COMPANIONS.iter().any(|(id, _)| self.areas.contains_key(id));
        let inside = |id: &i64| matches!(self.area(*id), Some(FELLOWSHIP_BOX | GUIDE_BOX));
        known.then(|| COMPANIONS.iter().filter(|(id, _)| inside(id)).map(|(_, name)| *name).collect())
    }

    pub(super) fn guide(&self) -> Option<Value> {
        let known = COMPANIONS.iter().any(|(id, _)| self.areas.contains_key(id));
        let inside = |area: i64| COMPANIONS.iter().find(|(id, _)| self.area(*id) == Some(area)).map(|(_, name)| *name);
        // Where nobody has been laid into the Guide's box yet, it is one of the highest Level, who come first.
        let guide = inside(GUIDE_BOX).or_else(|| inside(FELLOWSHIP_BOX));
        known.then(|| Value::from(guide.unwrap_or("Gollum")))
    }

    /// Where Companions and Minions are, by piece.
    pub(super) fn characters(&self) -> Option<Value> {
        let pieces = COMPANIONS.iter().map(|(id, _)| *id).chain(MINIONS);
        let areas: Map<String, Value> =
            pieces.filter_map(|id| Some((id.to_string(), Value::from(self.area(id)?)))).collect();
        (!areas.is_empty()).then_some(Value::Object(areas))
    }

    /// Dice that no character has brought yet.
    pub(super) fn spare_dice(&self) -> Option<Value> {
        let is_spare = |id: &i64| die_side(*id).is_some();
        let spare = REINFORCEMENTS.into_iter().flat_map(|area| self.in_area(area)).filter(is_spare);
        self.has_dice().then(|| spare.collect())
    }

    pub(super) fn ring_areas(&self) -> Option<Value> {
        let rings: Map<String, Value> =
            (249..=251).filter_map(|id| Some((id.to_string(), Value::from(self.area(id)?)))).collect();
        (!rings.is_empty()).then_some(Value::Object(rings))
    }

    pub(super) fn rings(&self, areas: std::ops::RangeInclusive<i64>) -> Option<Value> {
        let rings: Vec<i64> = (249..=251).filter_map(|id| self.area(id)).collect();
        (!rings.is_empty()).then(|| Value::from(rings.iter().filter(|area| areas.contains(area)).count()))
    }

    pub(super) fn victory_points(&self, marker: i64, column: i64) -> Option<Value> {
        let on_track = self.on_track(marker, VICTORY_TRACK, 10).and_then(|value| value.as_i64());
        Some(Value::from(on_track.unwrap_or(0).max(column)))
    }

    pub(super) fn nation_marker(&self, number: i64, word: &str) -> Option<(i64, Option<&Map<String, Value>>)> {
        let name = PieceId::Name(format!("{word}_political_marker"));
        let named = self.pieces.iter().find(|piece| piece.id == name).map(|piece| (piece.area, Some(&piece.state)));
        named.or_else(|| Some((self.area(number)?, self.state(number))))
    }

    pub(super) fn nation_steps(&self) -> Option<Value> {
        let mut steps = Map::new();
        for (number, nation, word) in NATIONS {
            if let Some((area, _)) = self.nation_marker(number, word)
                && (0..=3).contains(&(AT_WAR - area))
            {
                steps.insert(nation.to_owned(), Value::from(AT_WAR - area));
            }
        }
        (!steps.is_empty()).then_some(Value::Object(steps))
    }

    /// Nations whose marker says that they are active; the client does not store the marker's face.
    pub(super) fn active_nations(&self) -> Option<Value> {
        let mut any = false;
        let mut active = Vec::new();
        for (number, nation, word) in NATIONS {
            let Some((area, state)) = self.nation_marker(number, word) else { continue };
            let said = state.and_then(|state| state.get("active")).and_then(Value::as_bool);
            any |= said.is_some();
            if said == Some(true) || area == AT_WAR {
                active.push(nation);
            }
        }
        any.then(|| Value::from(active))
    }

    /// Units by region; those in a Stronghold under siege by its box.
    pub(super) fn units(&self, side: Side) -> BTreeMap<i64, i64> {
        let mut units = BTreeMap::new();
        for (_, area) in self.areas.iter().filter(|(id, area)| unit_side(**id) == Some(side) && holds_armies(**area)) {
            *units.entry(*area).or_default() += 1;
        }
        units
    }

    /// The pieces of Armies by area: units, and whoever leads them.
    pub(super) fn forces(&self, side: Side) -> Value {
        let mut forces: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for (id, area) in self.areas.iter().filter(|(_, area)| holds_armies(**area)) {
            if unit_side(*id) == Some(side) || leadership(*id).is_some_and(|(of, _)| of == side) {
                forces.entry(*area).or_default().push(*id);
            }
        }
        forces.into_iter().map(|(area, pieces)| (area.to_string(), Value::from(pieces))).collect::<Map<_, _>>().into()
    }

    /// Figures of Regulars beside the map that an Elite may become, with their areas.
    pub(super) fn spare(&self, side: Side, areas: [i64; 2]) -> Value {
        let is_regular = |id: i64| map::unit(id).is_some_and(|unit| unit.side() == side && unit.kind == Kind::Regular);
        let spare = self.areas.iter().filter(|(id, area)| areas.contains(area) && is_regular(**id));
        spare.map(|(id, area)| (id.to_string(), Value::from(*area))).collect::<Map<_, _>>().into()
    }

    /// Pieces of Armies that may be recruited, with their areas.
    pub(super) fn reserve(&self, side: Side, areas: &[i64]) -> Value {
        let is_of_side = |id: i64| map::unit(id).is_some_and(|unit| unit.side() == side);
        let reserve = self.areas.iter().filter(|(id, area)| areas.contains(area) && is_of_side(**id));
        reserve.map(|(id, area)| (id.to_string(), Value::from(*area))).collect::<Map<_, _>>().into()
    }

    /// Where the control markers are, by piece: those of the Free Peoples before the Shadow's.
    pub(super) fn control_markers(&self) -> Option<Value> {
        let markers: Map<String, Value> =
            (405..=420).filter_map(|id| Some((id.to_string(), Value::from(self.area(id)?)))).collect();
        (!markers.is_empty()).then_some(Value::Object(markers))
    }

    pub(super) fn leadership(&self, side: Side) -> BTreeMap<i64, i64> {
        let mut sums = BTreeMap::new();
        for (id, area) in self.areas.iter().filter(|(_, area)| holds_armies(**area)) {
            if let Some((of, points)) = leadership(*id)
                && of == side
            {
                *sums.entry(*area).or_default() += points;
            }
        }
        sums
    }

    pub(super) fn besieged_regions(&self) -> Vec<i64> {
        let besieged = |stronghold: i64| self.in_area(stronghold).any(|id| unit_side(id).is_some());
        let mut regions: Vec<i64> =
            STRONGHOLD_BOXES.iter().filter(|(area, _)| besieged(*area)).map(|(_, region)| *region).collect();
        regions.sort_unstable();
        regions
    }

    /// Regions with one of these control markers.
    pub(super) fn controlled(&self, markers: std::ops::RangeInclusive<i64>) -> BTreeSet<i64> {
        markers.filter_map(|id| self.area(id)).filter(|area| is_region(*area)).collect()
    }

    /// Failed Hunt dice that may be rolled again: a stronghold, an Army and a Nazgûl of the Shadow in the region.
    ///
    /// Source: the rules of the Hunt, "Re-rolls".
    pub(super) fn hunt_rerolls(&self, region: i64) -> usize {
        let stronghold = match stronghold_side(region) {
            Some(Side::Shadow) => !self.controlled(405..=410).contains(&region),
            Some(Side::FreePeoples) => self.controlled(411..=420).contains(&region),
            None => false,
        };
        let army = self.in_area(region).any(|id| unit_side(id) == Some(Side::Shadow));
        let nazgul = self.in_area(region).any(is_nazgul);
        [stronghold, army, nazgul].into_iter().filter(|there| *there).count()
    }
}
