//! An expression as it was understood, and its canonical spelling.
//!
//! The canonical spelling reads back as the same expression in every dialect: it uses only words on whose meaning all
//! dialects agree here (`kh3`, `>=5`, `ro=1`), and our own where they do not (`c>=5` counts successes, `:` fixes the
//! order of two modifiers).

use std::fmt;

use super::value::Value;

/// An expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expr {
    /// A constant.
    Number(Value),
    /// Dice of one kind.
    Dice(Box<Dice>),
    /// A Shadowrun success test, worth its successes.
    Test(Test),
    /// Several expressions of which some are kept or counted.
    Group(Box<Group>),
    /// Terms added and taken off; constants are summed up and stand last.
    Sum(Vec<Term>),
    /// Two expressions and what is done with them.
    Binary(Operator, Box<(Expr, Expr)>),
    /// A function of expressions.
    Call(Function, Vec<Expr>),
    /// An expression with a name, such as `2d6[fire]`.
    Label(Box<Expr>, String),
    /// A total held against a target: 1 if it meets it, otherwise 0. Stands at the top only.
    Check(Comparator, Box<(Expr, Expr)>),
    /// Two success tests against each other, worth the first's successes less the second's. Stands at the top only.
    Opposed(Test, Test),
}

/// A term of a sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// Whether it is taken off.
    pub negative: bool,
    /// What is added or taken off.
    pub expr: Expr,
}

/// What is done with two expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `*`
    Multiply,
    /// `/`, exact.
    Divide,
    /// `/` of Avrae's `//`: the quotient rounded down.
    DivideDown,
    /// `%`, the remainder of the division rounded down.
    Remainder,
    /// `^`, with a constant exponent.
    Power,
}

/// A function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// The next whole number below.
    Floor,
    /// The next whole number above.
    Ceil,
    /// The nearest whole number, a half up.
    Round,
    /// Without its sign.
    Abs,
    /// The smallest of several.
    Min,
    /// The largest of several.
    Max,
}

/// Every function and its name.
pub(super) const FUNCTIONS: &[(Function, &str)] = &[
    (Function::Floor, "floor"),
    (Function::Ceil, "ceil"),
    (Function::Round, "round"),
    (Function::Abs, "abs"),
    (Function::Min, "min"),
    (Function::Max, "max"),
];

/// Dice of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dice {
    /// How many.
    pub count: Amount,
    /// What is on them.
    pub sides: Sides,
    /// What is done with them, in this order.
    pub modifiers: Vec<Modifier>,
}

/// How many dice or sides: known, or rolled first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Amount {
    /// Known.
    Fixed(u32),
    /// The whole value of an expression.
    Rolled(Box<Expr>),
}

/// What is on a die.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sides {
    /// The numbers from 1.
    Numbers(Amount),
    /// Fate's die: two sides each of -1, 0 and 1.
    Fate,
    /// Fate's other die: one side of -1, one of 1, four of 0.
    FateRare,
}

/// What is done with dice that lie on the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Modifier {
    /// A lower value counts as this.
    Minimum(i32),
    /// A higher value counts as this.
    Maximum(i32),
    /// A value that matches throws a further die, which may do so in turn.
    Explode {
        /// Whether the further dice are added to the first instead of lying beside it.
        compound: bool,
        /// Whether each further die counts one less than it shows.
        penetrate: bool,
        /// Which values; none: the highest face.
        on: Matcher,
        /// How many further dice one die may bring at most; none: [`MAX_EXPLOSIONS`](super::MAX_EXPLOSIONS).
        limit: Option<u32>,
    },
    /// A value that matches is thrown again.
    Reroll {
        /// Once, whatever comes then; otherwise until it no longer matches.
        once: bool,
        /// Which values; none: the lowest face.
        on: Matcher,
    },
    /// A value seen before is thrown again.
    Unique {
        /// Once, whatever comes then; otherwise until no value is seen twice.
        once: bool,
        /// Which values; none: all.
        on: Matcher,
    },
    /// The first value that matches brings one further die, whatever that shows.
    RerollAndAdd {
        /// Which values.
        on: Matcher,
    },
    /// Only some of the dice stay.
    Filter {
        /// Whether the selected ones stay, or the others.
        keep: bool,
        /// Which dice; any of these selects one.
        selectors: Vec<Selector>,
    },
    /// The dice are counted instead of added.
    Count {
        /// Values that count one.
        success: Matcher,
        /// Values that take one off.
        failure: Matcher,
    },
    /// The dice are shown in order; their sum stays.
    Sort {
        /// Whether the highest comes first.
        descending: bool,
    },
}

impl Modifier {
    /// Whether it may bring further dice.
    pub fn brings_dice(&self) -> bool {
        matches!(self, Modifier::Explode { .. } | Modifier::RerollAndAdd { .. })
    }

    /// The place in the order that most dialects work in, whatever order is written.
    pub(super) fn rank(&self) -> u32 {
        match self {
            Modifier::Minimum(_) => 1,
            Modifier::Maximum(_) => 2,
            Modifier::Explode { .. } => 3,
            Modifier::Reroll { .. } => 4,
            Modifier::Unique { .. } => 5,
            Modifier::RerollAndAdd { .. } => 6,
            Modifier::Filter { keep: true, .. } => 7,
            Modifier::Filter { keep: false, .. } => 8,
            Modifier::Count { .. } => 9,
            Modifier::Sort { .. } => 10,
        }
    }
}

/// Which dice are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selector {
    /// So many of the highest.
    Highest(u32),
    /// So many of the lowest.
    Lowest(u32),
    /// Those whose value compares so.
    Compare(Comparison),
}

/// Values that compare in any of these ways.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Matcher(pub Vec<Comparison>);

impl Matcher {
    /// Whether the value compares in one of the ways.
    pub fn matches(&self, value: i64) -> bool {
        self.0.iter().any(|comparison| comparison.holds(value))
    }

    /// Whether nothing was given.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A comparison with a whole number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comparison {
    /// How.
    pub comparator: Comparator,
    /// With what.
    pub value: i32,
}

impl Comparison {
    /// Whether a value compares so.
    pub fn holds(self, value: i64) -> bool {
        self.comparator.holds(&value, &i64::from(self.value))
    }
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparator {
    /// `=`
    Equal,
    /// `<>`
    NotEqual,
    /// `>=`
    AtLeast,
    /// `<=`
    AtMost,
    /// `>`, of totals only: dice show whole numbers, and `>4` is kept as `>=5`.
    Above,
    /// `<`, of totals only.
    Below,
    /// Even numbers; the other side does not matter.
    Even,
    /// Odd numbers; the other side does not matter.
    Odd,
}

impl Comparator {
    /// Whether `left` compares so with `right`. Even and odd hold for no total.
    pub fn holds<T: PartialOrd + Parity>(self, left: &T, right: &T) -> bool {
        match self {
            Comparator::Equal => left == right,
            Comparator::NotEqual => left != right,
            Comparator::AtLeast => left >= right,
            Comparator::AtMost => left <= right,
            Comparator::Above => left > right,
            Comparator::Below => left < right,
            Comparator::Even => left.is_even() == Some(true),
            Comparator::Odd => left.is_even() == Some(false),
        }
    }
}

/// A number that may be even.
pub trait Parity {
    /// Whether it is even; `None` if it is not whole.
    fn is_even(&self) -> Option<bool>;
}

impl Parity for i64 {
    fn is_even(&self) -> Option<bool> {
        Some(self % 2 == 0)
    }
}

impl Parity for Value {
    fn is_even(&self) -> Option<bool> {
        self.to_whole().map(|number| number % 2 == 0)
    }
}

/// A Shadowrun success test: six-sided dice, each of which succeeds if it reaches the target number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Test {
    /// Number of dice, 1 to 100.
    pub pool: u32,
    /// What a die must reach, 2 to 1,000.
    pub target_number: u32,
}

/// Several expressions of which some are kept or counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The expressions.
    pub members: Vec<Expr>,
    /// What is done with their totals: filters, a count, a sort.
    pub modifiers: Vec<Modifier>,
}

impl Expr {
    /// Visits every part, itself first.
    pub fn visit(&self, see: &mut impl FnMut(&Expr)) {
        see(self);
        match self {
            Expr::Number(_) | Expr::Test(_) | Expr::Opposed(..) => {}
            Expr::Dice(dice) => {
                for amount in [Some(&dice.count), dice.sides.amount()].into_iter().flatten() {
                    if let Amount::Rolled(expr) = amount {
                        expr.visit(see);
                    }
                }
            }
            Expr::Group(group) => group.members.iter().for_each(|member| member.visit(see)),
            Expr::Sum(terms) => terms.iter().for_each(|term| term.expr.visit(see)),
            Expr::Binary(_, pair) | Expr::Check(_, pair) => {
                pair.0.visit(see);
                pair.1.visit(see);
            }
            Expr::Call(_, parts) => parts.iter().for_each(|part| part.visit(see)),
            Expr::Label(expr, _) => expr.visit(see),
        }
    }

    /// Visits every set of dice, to change it.
    pub fn visit_dice_mut(&mut self, change: &mut impl FnMut(&mut Dice)) {
        match self {
            Expr::Number(_) | Expr::Test(_) | Expr::Opposed(..) => {}
            Expr::Dice(dice) => {
                change(dice);
                if let Amount::Rolled(expr) = &mut dice.count {
                    expr.visit_dice_mut(change);
                }
                if let Sides::Numbers(Amount::Rolled(expr)) = &mut dice.sides {
                    expr.visit_dice_mut(change);
                }
            }
            Expr::Group(group) => group.members.iter_mut().for_each(|member| member.visit_dice_mut(change)),
            Expr::Sum(terms) => terms.iter_mut().for_each(|term| term.expr.visit_dice_mut(change)),
            Expr::Binary(_, pair) | Expr::Check(_, pair) => {
                pair.0.visit_dice_mut(change);
                pair.1.visit_dice_mut(change);
            }
            Expr::Call(_, parts) => parts.iter_mut().for_each(|part| part.visit_dice_mut(change)),
            Expr::Label(expr, _) => expr.visit_dice_mut(change),
        }
    }
}

impl Sides {
    fn amount(&self) -> Option<&Amount> {
        match self {
            Sides::Numbers(amount) => Some(amount),
            Sides::Fate | Sides::FateRare => None,
        }
    }
}

/// How tightly an expression holds together, for putting brackets around it where it must.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Tightness {
    Sum,
    Product,
    Power,
    Atom,
}

impl Expr {
    fn tightness(&self) -> Tightness {
        match self {
            Expr::Check(..) | Expr::Opposed(..) | Expr::Sum(_) => Tightness::Sum,
            Expr::Binary(Operator::Power, _) => Tightness::Power,
            Expr::Binary(..) => Tightness::Product,
            _ => Tightness::Atom,
        }
    }

    /// Writes it, in brackets if it holds together less tightly than wanted.
    fn write(&self, f: &mut fmt::Formatter<'_>, wanted: Tightness) -> fmt::Result {
        if self.tightness() < wanted { write!(f, "({self})") } else { write!(f, "{self}") }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expr::Number(value) if value.to_whole().is_some_and(|number| number >= 0) => write!(f, "{value}"),
            Expr::Number(value) => write!(f, "({value})"),
            Expr::Dice(dice) => write!(f, "{dice}"),
            Expr::Test(test) => write!(f, "{test}"),
            Expr::Group(group) => write!(f, "{group}"),
            Expr::Sum(terms) => write_sum(f, terms),
            Expr::Binary(Operator::DivideDown, pair) => write!(f, "floor({})", Quotient(&pair.0, &pair.1)),
            Expr::Binary(operator, pair) => {
                let (sign, left, right) = match operator {
                    Operator::Multiply => ("*", Tightness::Product, Tightness::Power),
                    Operator::Divide | Operator::DivideDown => ("/", Tightness::Product, Tightness::Power),
                    Operator::Remainder => ("%", Tightness::Product, Tightness::Power),
                    Operator::Power => ("^", Tightness::Atom, Tightness::Atom),
                };
                pair.0.write(f, left)?;
                f.write_str(sign)?;
                pair.1.write(f, right)
            }
            Expr::Call(function, parts) => {
                let (_, name) = FUNCTIONS.iter().find(|(known, _)| known == function).unwrap_or(&FUNCTIONS[0]);
                write!(f, "{name}(")?;
                write_list(f, parts)?;
                f.write_str(")")
            }
            Expr::Label(expr, label) => {
                expr.write(f, Tightness::Atom)?;
                write!(f, "[{label}]")
            }
            Expr::Check(comparator, pair) => {
                write!(f, "{} vs {comparator}", pair.0)?;
                pair.1.write(f, Tightness::Product)
            }
            Expr::Opposed(first, second) => write!(f, "{first} vs {second}"),
        }
    }
}

/// `floor(a/b)`, which every dialect has, stands for a division rounded down.
struct Quotient<'a>(&'a Expr, &'a Expr);

impl fmt::Display for Quotient<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write(f, Tightness::Product)?;
        f.write_str("/")?;
        self.1.write(f, Tightness::Power)
    }
}

fn write_sum(f: &mut fmt::Formatter<'_>, terms: &[Term]) -> fmt::Result {
    for (index, Term { negative, expr }) in terms.iter().enumerate() {
        f.write_str(match (negative, index) {
            (true, 0) => "0-",
            (true, _) => "-",
            (false, 0) => "",
            (false, _) => "+",
        })?;
        expr.write(f, Tightness::Product)?;
    }
    Ok(())
}

fn write_list(f: &mut fmt::Formatter<'_>, parts: &[Expr]) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(",")?;
        }
        write!(f, "{part}")?;
    }
    Ok(())
}

fn write_modifiers(f: &mut fmt::Formatter<'_>, modifiers: &[Modifier]) -> fmt::Result {
    let mut last = 0;
    let mut last_text = String::new();
    let mut last_filters = false;
    for modifier in modifiers {
        let rank = modifier.rank();
        let text = modifier.to_string();
        // A dialect might unite it with the last one, or order the two otherwise.
        let filters = matches!(modifier, Modifier::Filter { .. });
        let might_unite = filters && last_filters || rank == last && matches!(modifier, Modifier::Reroll { .. });
        // `!` before Avrae's `pl3` would penetrate.
        let might_penetrate = last_text.ends_with('!') && text.starts_with('p');
        if rank < last || might_unite || might_penetrate {
            f.write_str(":")?;
        }
        (last, last_filters) = (rank, filters);
        f.write_str(&text)?;
        last_text = text;
    }
    Ok(())
}

impl fmt::Display for Dice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}d", self.count)?;
        match &self.sides {
            Sides::Numbers(amount) => write!(f, "{amount}")?,
            Sides::Fate => f.write_str("F")?,
            Sides::FateRare => f.write_str("F.1")?,
        }
        write_modifiers(f, &self.modifiers)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Amount::Fixed(number) => write!(f, "{number}"),
            Amount::Rolled(expr) => write!(f, "({expr})"),
        }
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}d6 tn{}", self.pool, self.target_number)
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        write_list(f, &self.members)?;
        f.write_str("}")?;
        write_modifiers(f, &self.modifiers)
    }
}

impl fmt::Display for Modifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Modifier::Minimum(value) => write!(f, "min{value}"),
            Modifier::Maximum(value) => write!(f, "max{value}"),
            Modifier::Explode { compound, penetrate, on, limit } => {
                f.write_str(if *compound { "!!" } else { "!" })?;
                f.write_str(if *penetrate { "p" } else { "" })?;
                if let Some(limit) = limit {
                    write!(f, "l{limit}")?;
                }
                // `!=5` would be "unequal" to some, and `l25` another limit.
                match on.0.first() {
                    Some(Comparison { comparator: Comparator::Equal, value: value @ 0.. }) if limit.is_none() => {
                        write!(f, "{value}")?;
                        on.0[1..].iter().try_for_each(|comparison| write!(f, "|{comparison}"))
                    }
                    _ => write!(f, "{on}"),
                }
            }
            Modifier::Reroll { once, on } => write!(f, "{}{on}", if *once { "ro" } else { "rr" }),
            Modifier::Unique { once, on } => write!(f, "{}{on}", if *once { "uo" } else { "u" }),
            Modifier::RerollAndAdd { on } => write!(f, "ra{on}"),
            Modifier::Filter { keep, selectors } => write_filter(f, *keep, selectors),
            Modifier::Count { success, failure } => {
                write!(f, "c{success}")?;
                if failure.is_empty() { Ok(()) } else { write!(f, "f{failure}") }
            }
            Modifier::Sort { descending } => f.write_str(if *descending { "sd" } else { "sa" }),
        }
    }
}

/// `kh3`, `dl1`, `k>=4`, `p=1`, and `kh1|l1` for several selectors.
fn write_filter(f: &mut fmt::Formatter<'_>, keep: bool, selectors: &[Selector]) -> fmt::Result {
    let all_ranks = selectors.iter().all(|selector| !matches!(selector, Selector::Compare(_)));
    f.write_str(match (keep, all_ranks) {
        (true, _) => "k",
        (false, true) => "d",
        (false, false) => "p",
    })?;
    for (index, selector) in selectors.iter().enumerate() {
        if index > 0 {
            f.write_str("|")?;
        }
        match selector {
            Selector::Highest(count) => write!(f, "h{count}")?,
            Selector::Lowest(count) => write!(f, "l{count}")?,
            Selector::Compare(comparison) => write!(f, "{comparison}")?,
        }
    }
    Ok(())
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, comparison) in self.0.iter().enumerate() {
            write!(f, "{}{comparison}", if index > 0 { "|" } else { "" })?;
        }
        Ok(())
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.comparator {
            Comparator::Even | Comparator::Odd => write!(f, "{}", self.comparator),
            comparator => write!(f, "{comparator}{}", self.value),
        }
    }
}

impl fmt::Display for Comparator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Comparator::Equal => "=",
            Comparator::NotEqual => "<>",
            Comparator::AtLeast => ">=",
            Comparator::AtMost => "<=",
            Comparator::Above => "above",
            Comparator::Below => "below",
            Comparator::Even => "even",
            Comparator::Odd => "odd",
        })
    }
}
