"""Note who texts back that he wants no more, or wants to hear from us again."""

from collections.abc import Sequence

from attrs import frozen

from demand_core.batch import Outcome, Record, one_by_one
from demand_core.domain.opt_outs import said_by_text
from demand_core.domain.sms_news import Inbound, SmsNews
from demand_core.ports.opt_out_book import OptOutBook


@frozen(kw_only=True)
class RecordOptOuts:
    """Only a text that is one of the known words changes anything; no text is kept."""

    opt_outs: OptOutBook

    def __call__(self, batch: Sequence[Record[SmsNews]]) -> Outcome:
        """One text after the other; the later word holds, in whatever order they come."""
        return one_by_one(batch, self._note)

    def _note(self, news: SmsNews) -> str | None:
        if not isinstance(news, Inbound):
            return "no_text"
        said = news.text and said_by_text(news.text.reveal(), news.received_at)
        if not said:
            return "not_a_word_of_ours"
        self.opt_outs.record(news.sender, said)
        return None
