#include "dispatch/json_election.hpp"

#include "api/json_cursor.hpp"
#include "api/json_text.hpp"
#include "base/text.hpp"
#include "dispatch/canonical_json.hpp"

#include <algorithm>
#include <map>

namespace meta_model::dispatch {

namespace {

using config::vote_aggregation;

// One voter's object: each field as it was written, and in one spelling.
struct field_value {
    std::string raw{};
    std::string canonical{};
};

using object_fields = std::map<std::string, field_value>;

constexpr std::string_view as_object = "{}";  // the option of all objects

// The fields of a valid object; names in the order of the text go to `names` when they are new.
object_fields fields_of(const std::string& text, std::vector<std::string>& names) {
    object_fields out;
    api::json_cursor in(text);
    std::string_view raw_key;
    std::string_view raw;
    for (in.enter_object(); in.next_member(raw_key) && in.skip(raw);) {
        std::string key;
        auto canonical = canonical_json(raw);
        if (!api::append_unescaped(key, raw_key) || !canonical) {
            continue;
        }
        if (std::ranges::find(names, key) == names.end()) {
            names.push_back(key);
        }
        out[key] = {std::string(raw), std::move(*canonical)};
    }
    return out;
}

// Votes of the voters in `values` (null: none); an option is made for each new value.
struct json_box {
    std::vector<cast_vote> votes{};
    std::vector<option_entry> options{};
    std::vector<std::optional<std::size_t>> choice{};

    void add(std::size_t voter, const std::string* value, std::int64_t weight) {
        choice.emplace_back();
        votes.push_back({.state = cast_state::abstained, .weight = weight});
        if (value == nullptr) {
            return;
        }
        const auto same = std::ranges::find(options, *value, &option_entry::value);
        const auto option = static_cast<std::size_t>(same - options.begin());
        if (same == options.end()) {
            options.push_back({*value, voter});
        }
        votes.back().state = cast_state::cast;
        votes.back().option = option;
        choice.back() = option;
    }
};

class json_count {
public:
    json_count(
        const std::vector<voter_report>& voters,
        const election_rules& rules,
        std::optional<std::size_t> preferred
    )
        : voters_(voters), rules_(rules), preferred_(preferred) {}

    election run();

private:
    // The option that won; what it took goes into the election.
    std::size_t settle(const json_box& box, std::string& tally);
    void elect_fields();
    void add_tied(const json_box& box, const vote_count& count);

    const std::vector<voter_report>& voters_;
    const election_rules& rules_;
    std::optional<std::size_t> preferred_;
    election out_;
    bool has_margin_ = false;
};

void json_count::add_tied(const json_box& box, const vote_count& count) {
    for (const auto option : count.candidates) {
        const auto voter = box.options[option].first_voter;
        if (std::ranges::find(out_.tied, voter) == out_.tied.end()) {
            out_.tied.push_back(voter);
        }
    }
}

std::size_t json_count::settle(const json_box& box, std::string& tally) {
    const auto count = count_votes(box.votes, box.options.size(), rules_.aggregation);
    const auto chosen = preferred_ ? box.choice[*preferred_] : std::nullopt;
    const auto winner = settle_tie(count, box.options, chosen);
    const auto margin = margin_of(count, winner);
    out_.margin = has_margin_ ? std::min(out_.margin, margin) : margin;
    has_margin_ = true;
    add_tied(box, count);
    auto shown = box.options;
    for (auto& option : shown) {
        option.value = option.value.empty() ? "null" : option.value;
    }
    tally = tally_json(count, shown, rules_.aggregation == vote_aggregation::weighted);
    return winner;
}

void json_count::elect_fields() {
    std::vector<std::string> names;
    std::vector<object_fields> objects(voters_.size());
    std::vector<bool> is_object(voters_.size(), false);
    for (std::size_t i = 0; i < voters_.size(); ++i) {
        if (voters_[i].vote && voters_[i].vote->key.starts_with('{')) {
            is_object[i] = true;
            objects[i] = fields_of(voters_[i].vote->text, names);
        }
    }
    out_.verdict = "{";
    out_.tally = "{";
    has_margin_ = has_margin_ && names.empty();
    const std::string absent;
    for (const auto& name : names) {
        json_box box;
        for (std::size_t i = 0; i < voters_.size(); ++i) {
            const auto field = objects[i].find(name);
            const auto* const value =
                field == objects[i].end() ? &absent : &field->second.canonical;
            box.add(i, is_object[i] ? value : nullptr, voters_[i].weight);
        }
        std::string tally;
        const auto winner = settle(box, tally);
        out_.tally += out_.tally.size() > 1 ? "," : "";
        api::append_json_string(out_.tally, name);
        out_.tally += ':' + tally;
        if (!box.options[winner].value.empty()) {
            out_.verdict += out_.verdict.size() > 1 ? "," : "";
            api::append_json_string(out_.verdict, name);
            out_.verdict += ':' + objects[box.options[winner].first_voter].at(name).raw;
        }
    }
    out_.verdict += '}';
    out_.tally += '}';
}

election json_count::run() {
    json_box whole;
    const std::string object(as_object);
    for (std::size_t i = 0; i < voters_.size(); ++i) {
        const auto& vote = voters_[i].vote;
        const auto* value = !vote ? nullptr : vote->key.starts_with('{') ? &object : &vote->key;
        whole.add(i, value, voters_[i].weight);
    }
    out_.has_result = !whole.options.empty();
    if (!out_.has_result) {
        out_.tally = "[]";
        return out_;
    }
    const auto winner = settle(whole, out_.tally);
    if (whole.options[winner].value == object) {
        elect_fields();
    } else {
        out_.verdict = voters_[whole.options[winner].first_voter].vote->text;
    }
    return out_;
}

}  // namespace

election elect_json(
    const std::vector<voter_report>& voters,
    const election_rules& rules,
    std::optional<std::size_t> preferred
) {
    return json_count(voters, rules, preferred).run();
}

}  // namespace meta_model::dispatch
