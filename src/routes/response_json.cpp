#include "routes/response_json.hpp"

#include "api/json_walk.hpp"

namespace meta_model::routes {

namespace {

template <api::response_status Api, store::response_status Stored>
constexpr bool is_same = static_cast<int>(Api) == static_cast<int>(Stored);

static_assert(is_same<api::response_status::queued, store::response_status::queued>);
static_assert(is_same<api::response_status::in_progress, store::response_status::in_progress>);
static_assert(is_same<api::response_status::completed, store::response_status::completed>);
static_assert(is_same<api::response_status::incomplete, store::response_status::incomplete>);
static_assert(is_same<api::response_status::failed, store::response_status::failed>);
static_assert(is_same<api::response_status::cancelled, store::response_status::cancelled>);

}  // namespace

store::response_status to_store(api::response_status status) {
    return static_cast<store::response_status>(status);
}

std::vector<std::string_view> list_items(std::string_view list) {
    std::vector<std::string_view> items;
    api::walk_list(list, [&](std::string_view item) { items.push_back(item); });
    return items;
}

std::vector<std::string_view> output_items(std::string_view response) {
    return list_items(api::find_member(response, "output"));
}

std::string item_id(std::string_view item) {
    const auto raw = api::find_member(item, "id");
    std::string id;
    api::append_unescaped(id, api::string_body(raw));
    return id;
}

std::vector<std::string> ids_of(const std::vector<std::string_view>& items) {
    std::vector<std::string> ids;
    for (const auto item : items) {
        if (auto id = item_id(item); !id.empty()) {
            ids.push_back(std::move(id));
        }
    }
    return ids;
}

std::string with_status(std::string_view response, store::response_status status) {
    const auto old = api::find_member(response, "status");
    if (old.empty()) {
        return std::string(response);
    }
    const auto at = static_cast<std::size_t>(old.data() - response.data());
    std::string out(response.substr(0, at));
    out += '"';
    out += api::to_string(static_cast<api::response_status>(status));
    out += '"';
    out += response.substr(at + old.size());
    return out;
}

}  // namespace meta_model::routes
