//! What was used lately, of which only so much is kept.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Values under their names, at most so many. One that is not kept is had from where it came.
#[derive(Debug)]
pub struct Recent<V> {
    most: usize,
    kept: Mutex<HashMap<String, V>>,
}

impl<V: Clone> Recent<V> {
    /// Room for `most` values.
    pub fn new(most: usize) -> Recent<V> {
        Recent { most, kept: Mutex::default() }
    }

    /// The value of a name, if it is kept.
    pub fn get(&self, name: &str) -> Option<V> {
        self.lock().get(name).cloned()
    }

    /// Keeps a value in place of the one that the name had, or of any other if there is no room.
    pub fn put(&self, name: String, value: V) {
        let mut kept = self.lock();
        if self.most <= kept.len() && !kept.contains_key(&name) {
            let any = kept.keys().next().cloned();
            any.and_then(|any| kept.remove(&any));
        }
        kept.insert(name, value);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, V>> {
        // Nothing under this lock can panic half-way.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let recent = Recent::new(2);
        for number in 0..10 {
            recent.put(number.to_string(), number);
        }
        recent.put("9".to_owned(), 90);

        assert_eq!(recent.lock().len(), 2);
        assert_eq!(recent.get("9"), Some(90));
    }
}
