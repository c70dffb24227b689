//! A place where an answer stops until it is told to go on.

use tokio::sync::watch;

/// A gate; its clones are the same gate.
#[derive(Debug, Clone)]
pub struct Gate {
    reached: watch::Sender<bool>,
    open: watch::Sender<bool>,
}

impl Default for Gate {
    fn default() -> Gate {
        Gate { reached: watch::Sender::new(false), open: watch::Sender::new(false) }
    }
}

impl Gate {
    /// A closed gate.
    pub fn new() -> Gate {
        Gate::default()
    }

    /// Lets everything through, from now on.
    pub fn open(&self) {
        self.open.send_replace(true);
    }

    /// Waits until an answer stands at the gate.
    pub async fn reached(&self) {
        wait(&self.reached).await;
    }

    /// Whether both are the same gate.
    pub fn is_same(&self, other: &Gate) -> bool {
        self.open.same_channel(&other.open)
    }

    pub(crate) async fn pass(&self) {
        self.reached.send_replace(true);
        wait(&self.open).await;
    }
}

async fn wait(flag: &watch::Sender<bool>) {
    let mut flag = flag.subscribe();
    flag.wait_for(|is_set| *is_set).await.expect("the sender is borrowed here");
}
