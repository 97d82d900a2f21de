#include "dispatch/content_parts.hpp"

#include "dispatch/ensemble_request.hpp"
#include "support/media_parts.hpp"
#include "unit/dispatch/planned_talk.hpp"

#include <string>
#include <utility>
#include <vector>

namespace meta_model::dispatch {

using namespace support;

namespace {

using config::modality;

std::string labels_of(const std::string& content) {
    content_scan out;
    scan_content_value(content, out);
    std::string all;
    for (const auto& label : out.labels) {
        all += (all.empty() ? "" : ",") + label;
    }
    return all;
}

media_set media(std::initializer_list<modality> kinds) {
    media_set out;
    for (const auto kind : kinds) {
        out.add(kind);
    }
    return out;
}

TEST(content_parts, every_part_that_cannot_be_understood_has_its_label) {
    const std::vector<std::pair<std::string, std::string>> labels{
        {R"("text")", ""},
        {"null", ""},
        {R"([])", ""},
        {R"([{"type":"text","text":""}])", ""},
        {R"([{"type":"image_url","image_url":{"url":"u"}}])", ""},
        {R"([{"type":"video_url","video_url":{"url":"u"}}])", ""},
        {R"([{"type":"input_audio","input_audio":{"data":"AA"}}])", ""},
        {R"([{"type":"input_audio","input_audio":{"url":"u"}}])", ""},
        {"7", "malformed_content"},
        {R"({"type":"text"})", "malformed_content"},
        {R"(["text"])", "malformed_part"},
        {R"([{"text":"x"}])", "missing_type"},
        {R"([{"type":3}])", "missing_type"},
        {R"([{"type":"text","text":3}])", "text_malformed"},
        {R"([{"type":"text"}])", "text_malformed"},
        {R"([{"type":"image_url","image_url":"u"}])", "image_url_malformed"},
        {R"([{"type":"image_url"}])", "image_url_malformed"},
        {R"([{"type":"image_url","image_url":{}}])", "image_url_missing_url"},
        {R"([{"type":"image_url","image_url":{"url":""}}])", "image_url_missing_url"},
        {R"([{"type":"image_url","image_url":{"url":4}}])", "image_url_missing_url"},
        {R"([{"type":"video_url","video_url":[]}])", "video_url_malformed"},
        {R"([{"type":"video_url","video_url":{"url":null}}])", "video_url_missing_url"},
        {R"([{"type":"input_audio","input_audio":1}])", "input_audio_malformed"},
        {R"([{"type":"input_audio","input_audio":{"data":""}}])", "input_audio_missing_payload"},
        {R"([{"type":"input_file","input_file":{}}])", "input_file"},
        {R"([{"type":"in\u0070ut_file"}])", "input_file"},
    };
    for (const auto& [content, label] : labels) {
        EXPECT_EQ(labels_of(content), label) << content;
    }
}

TEST(content_parts, labels_are_distinct_and_in_the_order_they_were_seen) {
    EXPECT_EQ(
        labels_of(
            R"([{"type":"b"},{"type":"a"},{"type":"b"},{"type":"text","text":1},"x",{"type":"a"}])"
        ),
        "b,a,text_malformed,malformed_part"
    );
    std::string many = "[";
    for (int i = 0; i < 1000; ++i) {
        many += (i == 0 ? "" : ",") + (R"({"type":"t)" + std::to_string(i)) + R"("})";
    }
    content_scan out;
    scan_content_value(many + "]", out);
    EXPECT_EQ(out.labels.size(), 32u);
}

TEST(content_parts, keys_may_be_escaped_and_the_type_may_come_last) {
    content_scan out;
    const auto kinds =
        scan_content_value(R"([{"im\u0061ge_url":{"url":"u"},"\u0074ype":"image\u005furl"}])", out);
    EXPECT_EQ(kinds, media({modality::image}));
    EXPECT_TRUE(out.labels.empty());
}

TEST(content_parts, the_scan_tells_the_turns_kinds_from_all) {
    const talk t(json::array(
        {user_parts({audio_part()}),
         says("assistant", "heard"),
         user_parts({text_part("and?"), image_part()}),
         user_parts({video_part()})}
    ));
    const auto scan = scan_content(t.request);
    EXPECT_EQ(scan.turn, media({modality::image, modality::video}));
    EXPECT_EQ(scan.all.kinds, media({modality::image, modality::video, modality::audio}));
    EXPECT_EQ(scan.all.tokens, 765 + 4096 + 20);
    EXPECT_EQ(
        scan.all.bytes,
        image_part().dump().size() + video_part().dump().size() + audio_part().dump().size()
    );
}

TEST(content_parts, a_turn_begins_with_the_users_newest_messages) {
    const auto start = [](const json& messages) {
        const talk t(messages);
        return turn_start(t.request.messages());
    };
    const auto user = says("user", "x");
    const auto model = says("assistant", "y");
    EXPECT_EQ(start(json::array({user})), 0u);
    EXPECT_EQ(start(json::array({says("system", "s"), user})), 1u);
    EXPECT_EQ(start(json::array({user, model, user})), 2u);
    EXPECT_EQ(start(json::array({user, model, user, user})), 2u) << "said in two messages";
    EXPECT_EQ(start(json::array({user, model, user, says("system", "s"), user})), 2u);
    EXPECT_EQ(start(json::array({user, model, says("system", "s"), user})), 3u);
    EXPECT_EQ(start(json::array({user, calls({{"c", "{}"}}), result("c", "r")})), 0u)
        << "its calls and their results belong to it";
    EXPECT_EQ(start(json::array({user, calls({{"c", "{}"}}), result("c", "r"), user})), 3u);
    EXPECT_EQ(start(json::array({user, model})), 0u);
    EXPECT_EQ(start(json::array({model})), 0u);
}

TEST(content_parts, hidden_media_leave_a_note) {
    const json messages = json::array(
        {user_parts({text_part("see"), image_part(), audio_part()}),
         says("assistant", "seen"),
         says("user", "so?")}
    );
    const talk t(messages);
    EXPECT_EQ(hide_media(t.request, {}), nullptr);

    const auto sent = t.sent({.edits = hide_media(t.request, media({modality::image}))});

    const auto parts = sent[0]["content"];
    EXPECT_EQ(parts[0], text_part("see"));
    EXPECT_EQ(parts[1], text_part(std::string(media_note(modality::image))));
    EXPECT_EQ(parts[2], audio_part());
    EXPECT_EQ(sent[1], messages[1]);
    EXPECT_EQ(sent[2], messages[2]);
}

TEST(content_parts, a_note_in_a_demoted_system_message_stands_behind_its_mark) {
    const talk t(json::array(
        {says("system", "first"),
         {{"role", "system"}, {"content", json::array({image_part()})}},
         says("user", "so?")}
    ));
    const auto sent = t.sent({.edits = hide_media(t.request, media({modality::image}))}, true);
    EXPECT_EQ(sent[1]["role"], "user");
    EXPECT_EQ(sent[1]["content"][0], text_part("[SYSTEM]:"));
    EXPECT_EQ(sent[1]["content"][1]["type"], "text");
}

TEST(content_parts, media_weigh_what_models_make_of_them) {
    media_weight images;
    images.bytes = 1000000;
    images.tokens = 765;
    EXPECT_EQ(bytes_as_text(1000100, images), 100u + 2142u);
    EXPECT_EQ(bytes_as_text(100, images), 100u) << "of a body without them";
}

TEST(content_parts, compaction_keeps_the_media_of_the_current_turn) {
    json messages = joined(
        {pairs(30, 300),
         json::array({user_parts({image_part(), text_part("what is it?")})}),
         json::array({says("user", "look closely")}),
         json::array({calls({{"c", "{}"}}), result("c", std::string(9000, 'r'))})}
    );
    const talk t(messages);
    const auto plan = t.plan({2000, 30000});

    for (const auto& prompt : plan.prompts) {
        ASSERT_TRUE(prompt.fits);
        const auto sent = t.sent(prompt);
        EXPECT_EQ(sent[sent.size() - 4]["content"][0], image_part());
        EXPECT_LE(prompt.tokens, 30000);
    }
    EXPECT_LE(plan.prompts[0].tokens, 2000);
    EXPECT_FALSE(t.plan({700}).prompts[0].fits) << "rather none than one without its image";
}

TEST(content_parts, what_is_hidden_from_all_does_not_fill_their_windows) {
    json messages = json::array();
    for (int i = 0; i < 20; ++i) {
        messages.push_back(user_parts({image_part(), text_part("and this?")}));
        messages.push_back(says("assistant", "seen"));
    }
    messages.push_back(says("user", "so?"));
    const talk t(messages);
    const auto images = media({modality::image});
    const prompt_window blind{.budget = 2000, .hidden = images};
    const prompt_window sees{.budget = 30000};

    const std::vector both{blind, sees};
    const auto alone = plan_prompts(t.request, 0, {&blind, 1}, images);
    const auto mixed = plan_prompts(t.request, 0, both);

    EXPECT_EQ(alone.prompts[0].compacted_chunks, 0);
    EXPECT_EQ(t.sent(alone.prompts[0]).size(), messages.size());
    EXPECT_LE(alone.whole.tokens, 2000);
    EXPECT_EQ(t.sent(alone.whole), t.sent(alone.prompts[0]));
    EXPECT_EQ(t.sent(mixed.prompts[1]), messages);
    const auto text = t.sent(mixed.prompts[0]).dump();
    EXPECT_EQ(text.find("image_url"), std::string::npos);
    EXPECT_LE(mixed.prompts[0].tokens, 2000);
}

}  // namespace
}  // namespace meta_model::dispatch
