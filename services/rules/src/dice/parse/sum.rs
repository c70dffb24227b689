//! Sums while they are read: constants are added up, brackets within them opened.

use crate::dice::ast::{Expr, Term};
use crate::dice::value::Value;

/// A sum while it is read: constants are added up, brackets within it opened.
pub(super) struct Sum {
    terms: Vec<Term>,
    pub(super) constant: Value,
}

impl Sum {
    pub(super) fn new() -> Sum {
        Sum { terms: Vec::new(), constant: Value::ZERO }
    }

    pub(super) fn add(&mut self, expr: Expr, negative: bool) {
        match expr {
            Expr::Number(value) => {
                self.constant = self.constant.plus(if negative { value.negated() } else { value });
            }
            Expr::Sum(terms) => terms.into_iter().for_each(|term| self.add(term.expr, term.negative != negative)),
            expr => self.terms.push(Term { negative, expr }),
        }
    }

    /// Added terms first, if the first is taken off, and the constant last, unless all else is taken off from it.
    pub(super) fn finish(mut self) -> Expr {
        if self.terms.first().is_some_and(|term| term.negative) {
            self.terms.sort_by_key(|term| term.negative);
        }
        if self.terms.is_empty() {
            return Expr::Number(self.constant);
        }
        if self.constant != Value::ZERO {
            let negative = self.constant < Value::ZERO;
            let constant = Term { negative, expr: Expr::Number(self.constant.abs()) };
            let first = !negative && self.terms[0].negative;
            self.terms.insert(if first { 0 } else { self.terms.len() }, constant);
        }
        if self.terms.len() == 1
            && !self.terms[0].negative
            && let Some(term) = self.terms.pop()
        {
            return term.expr;
        }
        Expr::Sum(self.terms)
    }
}
