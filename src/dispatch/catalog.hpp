// The names a client may call and what each stands for. Built once per configuration, immutable, shared by all threads.
#pragma once

#include "base/error.hpp"
#include "config/config.hpp"
#include "dispatch/content_parts.hpp"
#include "telemetry/names.hpp"
#include "upstream/registry.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace meta_model::dispatch {

// What the answer of a cascade's step must be like, and who is asked about it.
struct step_gate_target {
    const config::step_gate* gate = nullptr;  // null: any answer is taken
    upstream::upstream_state* agree_with = nullptr;
    upstream::upstream_state* judge = nullptr;
};

// [vision], [video] and [audio]: who is asked, in this order, about media that a profile cannot serve itself.
struct media_routes {
    std::vector<upstream::upstream_state*> vision{};
    std::vector<upstream::upstream_state*> video{};
    std::vector<upstream::upstream_state*> audio{};

    const std::vector<upstream::upstream_state*>& of(config::modality kind) const {
        return kind == config::modality::image   ? vision
               : kind == config::modality::video ? video
                                                 : audio;
    }
};

// Who is asked by one call of a panel.
struct panel_seat {
    const config::panel_member* member = nullptr;
    int sample = 0;         // of the same upstream the how-manieth, from 0 on
    bool may_join = false;  // its draft can be a choice of the call of the seat before it
};

struct target;

// A profile that another one names in the place of an upstream: to the legs it is one, which no wire leads to.
struct nested_profile {
    nested_profile(config::upstream as_upstream, const target& serves);

    const config::upstream config;
    upstream::upstream_state state;
    const dispatch::target& target;
};

// A profile, or an upstream addressed directly, with everything looked up that a request needs.
struct target {
    std::string name{};  // canonical: the profile's name or the upstream's key
    const config::profile* profile = nullptr;  // null: direct addressing
    config::profile_type type =
        config::profile_type::passthrough;  // a moa of one upstream is a passthrough
    bool expose_reasoning = true;
    telemetry::profile_id id{};
    telemetry::strategy strategy{};
    std::vector<upstream::upstream_state*> upstreams{
    };  // passthrough: one; moa, voting: one for each seat; cascade: the steps
    std::vector<panel_seat> seats{};                  // moa, voting: one for each call of the panel
    std::vector<step_gate_target> gates{};            // cascade: one for each step, or none at all
    upstream::upstream_state* synthesizer = nullptr;  // moa; voting: the judge of ties, if any
    std::vector<const nested_profile*> nested{};      // those of `upstreams` that are profiles
    std::string profile_header{};                     // "X-MetaModel-Profile: …\r\n"
    media_set sees{};  // what all upstreams declare whose answers count
    const media_routes* routes = nullptr;
    config::modality route = config::modality::text;  // other than text: it stands for that route

    // The profile behind one of `upstreams`; null for a real upstream.
    const nested_profile* nested_in(const upstream::upstream_state& u) const;
};

// One entry of GET /v1/models, as JSON text.
struct model_entry {
    std::string id{};
    std::string json{};
};

class catalog {
public:
    using profile_ids = std::function<telemetry::profile_id(const std::string& name)>;

    // `config` and `upstreams` must outlive the catalog. `created`: Unix time that the entries carry.
    catalog(
        const config::gateway_config& config,
        const upstream::registry& upstreams,
        const profile_ids& ids,
        std::int64_t created
    );

    // Spec §3.2. The errors: no_upstream, model_not_found, feature_disabled.
    base::result<const target*> resolve(std::string_view name) const;

    const std::vector<model_entry>& models() const { return models_; }
    std::int64_t created() const { return created_; }  // Unix time, of every entry

    // Every target: the profiles in name order but behind those that they name, then the upstreams.
    const std::vector<std::unique_ptr<target>>& targets() const { return targets_; }

    // Profiles that others name.
    const std::vector<std::unique_ptr<nested_profile>>& nested() const { return nested_; }

private:
    void add_profile(
        const config::profile& profile, const upstream::registry& upstreams, const profile_ids& ids
    );
    void add_direct(upstream::upstream_state& upstream, const profile_ids& ids);
    upstream::upstream_state* member(
        target& of,
        const std::string& name,
        const upstream::registry& upstreams,
        const profile_ids& ids
    );
    nested_profile& nest(
        const std::string& name, const upstream::registry& upstreams, const profile_ids& ids
    );
    void list_models(std::int64_t created);
    const target* find_profile(std::string_view name) const;

    const config::gateway_config& config_;
    const std::unique_ptr<const media_routes> routes_;
    std::vector<std::unique_ptr<target>> targets_;
    std::vector<std::unique_ptr<nested_profile>> nested_;
    std::map<std::string, const target*, std::less<>> by_name_;      // profiles, exact
    std::map<std::string, const target*, std::less<>> by_alias_;     // lower-cased
    std::map<std::string, const target*, std::less<>> by_upstream_;  // exact
    std::string facade_;                                             // lower-cased
    const target* facade_target_ = nullptr;
    std::vector<model_entry> models_;
    std::int64_t created_ = 0;
};

}  // namespace meta_model::dispatch
