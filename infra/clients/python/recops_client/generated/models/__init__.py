"""Contains all the data models used in inputs/outputs"""

from .abort_request import AbortRequest
from .because_of import BecauseOf
from .category_count import CategoryCount
from .chat_answer import ChatAnswer
from .chat_intent import ChatIntent
from .chat_intent_understood_by import ChatIntentUnderstoodBy
from .chat_limit import ChatLimit
from .chat_limit_op import ChatLimitOp
from .chat_request import ChatRequest
from .code import Code
from .contribution import Contribution
from .counts import Counts
from .error_answer import ErrorAnswer
from .error_detail import ErrorDetail
from .event_body import EventBody
from .events_answer import EventsAnswer
from .events_request import EventsRequest
from .explain_answer import ExplainAnswer
from .explain_answer_stage_ms import ExplainAnswerStageMs
from .explain_request import ExplainRequest
from .explained_item import ExplainedItem
from .filter_ import Filter
from .filters_answer import FiltersAnswer
from .history_answer import HistoryAnswer
from .history_item import HistoryItem
from .item import Item
from .item_body import ItemBody
from .items_answer import ItemsAnswer
from .items_request import ItemsRequest
from .items_status import ItemsStatus
from .items_status_faults import ItemsStatusFaults
from .learning_status import LearningStatus
from .learning_status_left_out import LearningStatusLeftOut
from .openapi_response_200 import OpenapiResponse200
from .posted_item import PostedItem
from .promote_request import PromoteRequest
from .recommend_answer import RecommendAnswer
from .recommend_request import RecommendRequest
from .recommended_item import RecommendedItem
from .release_answer import ReleaseAnswer
from .release_request import ReleaseRequest
from .release_span import ReleaseSpan
from .release_span_metrics import ReleaseSpanMetrics
from .releases_answer import ReleasesAnswer
from .releases_answer_faults import ReleasesAnswerFaults
from .retriever_check import RetrieverCheck
from .retriever_part import RetrieverPart
from .rollback_answer import RollbackAnswer
from .rollback_request import RollbackRequest
from .search_answer import SearchAnswer
from .search_request import SearchRequest
from .side_answer import SideAnswer
from .similar_answer import SimilarAnswer
from .similar_request import SimilarRequest
from .smallest_change import SmallestChange
from .smallest_change_kind import SmallestChangeKind
from .status_answer import StatusAnswer
from .status_answer_faults import StatusAnswerFaults
from .status_answer_metrics import StatusAnswerMetrics
from .status_answer_stores import StatusAnswerStores
from .status_answer_versions import StatusAnswerVersions
from .suggest_answer import SuggestAnswer
from .suggestion import Suggestion
from .trial_answer import TrialAnswer
from .user_profile_answer import UserProfileAnswer
from .users_answer import UsersAnswer
from .why_not_answer import WhyNotAnswer
from .why_not_answer_kind import WhyNotAnswerKind
from .why_not_answer_retrievers import WhyNotAnswerRetrievers
from .why_not_request import WhyNotRequest

__all__ = (
    "AbortRequest",
    "BecauseOf",
    "CategoryCount",
    "ChatAnswer",
    "ChatIntent",
    "ChatIntentUnderstoodBy",
    "ChatLimit",
    "ChatLimitOp",
    "ChatRequest",
    "Code",
    "Contribution",
    "Counts",
    "ErrorAnswer",
    "ErrorDetail",
    "EventBody",
    "EventsAnswer",
    "EventsRequest",
    "ExplainAnswer",
    "ExplainAnswerStageMs",
    "ExplainRequest",
    "ExplainedItem",
    "Filter",
    "FiltersAnswer",
    "HistoryAnswer",
    "HistoryItem",
    "Item",
    "ItemBody",
    "ItemsAnswer",
    "ItemsRequest",
    "ItemsStatus",
    "ItemsStatusFaults",
    "LearningStatus",
    "LearningStatusLeftOut",
    "OpenapiResponse200",
    "PostedItem",
    "PromoteRequest",
    "RecommendAnswer",
    "RecommendRequest",
    "RecommendedItem",
    "ReleaseAnswer",
    "ReleaseRequest",
    "ReleaseSpan",
    "ReleaseSpanMetrics",
    "ReleasesAnswer",
    "ReleasesAnswerFaults",
    "RetrieverCheck",
    "RetrieverPart",
    "RollbackAnswer",
    "RollbackRequest",
    "SearchAnswer",
    "SearchRequest",
    "SideAnswer",
    "SimilarAnswer",
    "SimilarRequest",
    "SmallestChange",
    "SmallestChangeKind",
    "StatusAnswer",
    "StatusAnswerFaults",
    "StatusAnswerMetrics",
    "StatusAnswerStores",
    "StatusAnswerVersions",
    "SuggestAnswer",
    "Suggestion",
    "TrialAnswer",
    "UserProfileAnswer",
    "UsersAnswer",
    "WhyNotAnswer",
    "WhyNotAnswerKind",
    "WhyNotAnswerRetrievers",
    "WhyNotRequest",
)
