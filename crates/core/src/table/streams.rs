//! What becomes of a table's stream.
use super::{StreamState, StreamView, TableDefinition, TableStream};
use crate::stream::StreamName;
use crate::stream::arn::label;

impl TableDefinition {
    /// The stream that was enabled last, be it disabled since.
    pub fn latest_stream_name(&self) -> Option<StreamName> {
        self.latest_stream.as_ref().map(|label| StreamName {
            table: self.name.clone(),
            label: label.clone(),
        })
    }

    /// The table was created with a stream that does not capture yet: what is written now would be missing from it.
    pub fn waits_for_its_first_stream(&self) -> bool {
        let first = |stream: &TableStream| {
            stream.state == StreamState::Enabling && stream.label == label(self.created_at)
        };
        self.stream.as_ref().is_some_and(first)
    }

    /// Its stream is being enabled or disabled.
    pub fn changes_its_stream(&self) -> bool {
        let changing = |stream: &TableStream| stream.state != StreamState::Enabled;
        self.stream.as_ref().is_some_and(changing)
    }

    /// With a stream that is being enabled from `now_millis` (epoch milliseconds) on. Its label differs from that of
    /// the last one, however quickly they follow one another.
    pub fn with_stream(mut self, view: StreamView, now_millis: i64) -> TableDefinition {
        let labels = (now_millis..).map(label);
        let mut fresh = labels.filter(|label| self.latest_stream.as_ref() != Some(label));
        let label = fresh.next().unwrap_or_default();
        self.latest_stream = Some(label.clone());
        self.stream = Some(TableStream {
            view,
            label,
            state: StreamState::Enabling,
        });
        self
    }

    /// With its stream in another state; without one when `state` is None.
    pub fn with_stream_state(mut self, state: Option<StreamState>) -> TableDefinition {
        self.stream = match (self.stream, state) {
            (Some(stream), Some(state)) => Some(TableStream { state, ..stream }),
            _ => None,
        };
        self
    }
}

impl StreamView {
    pub const ALL: [StreamView; 4] = [
        StreamView::KeysOnly,
        StreamView::NewImage,
        StreamView::OldImage,
        StreamView::NewAndOldImages,
    ];

    pub fn from_name(name: &str) -> Option<StreamView> {
        StreamView::ALL.into_iter().find(|view| view.name() == name)
    }
}
