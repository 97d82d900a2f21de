#include "dispatch/image_description.hpp"

#include "support/media_parts.hpp"
#include "unit/dispatch/planned_talk.hpp"

#include <string>

namespace meta_model::dispatch {

using namespace support;

namespace {

std::string numbered(int i) {
    return "http://x/" + std::to_string(i) + ".png";
}

std::string joined_pieces(const api::pieces& pieces) {
    std::string out;
    for (const auto piece : pieces) {
        out += piece;
    }
    return out;
}

json question(const api::chat_request& request, int cap, const config::vision_route& vision = {}) {
    config::upstream eyes;
    eyes.model_id = "eyes";
    eyes.max_output = 1000;
    const auto images = select_images(request, cap);
    const auto changes = description_changes(request, images, vision, eyes);
    upstream::prepared_body body;
    body.prepare(request, eyes, changes);
    const auto text = joined_pieces(body.pieces());
    EXPECT_TRUE(json::accept(text)) << text;
    return json::parse(text);
}

json described(const talk& t, int cap, const std::string& description = "a cat") {
    const auto body = body_with_description(t.request, select_images(t.request, cap), description);
    EXPECT_TRUE(json::accept(body)) << body;
    return json::parse(body).at("messages");
}

TEST(image_description, the_question_is_made_of_the_newest_images_alone) {
    const std::string body = json{
        {"model", "m"},
        {"stream", true},
        {"functions", json::array({{{"name", "f"}}})},
        {"function_call", {{"name", "f"}}},
        {"response_format", {{"type", "json_object"}}},
        {"messages",
         json::array(
             {says("system", "be brief"),
              user_parts({image_part(numbered(1)), text_part("older"), image_part(numbered(2))}),
              says("assistant", "two"),
              user_parts({text_part("a \"chart\"?"), image_part(numbered(3))}),
              user_parts({image_part(numbered(4))})}
         )},
        {"max_completion_tokens", 5},
        {"x_meta_model", {{"trace", true}}}
    }.dump();
    api::chat_request request;
    ASSERT_TRUE(request.parse(body, 64));

    const auto asked = question(request, 3);

    EXPECT_EQ(asked.size(), 5u) << asked;
    EXPECT_EQ(asked["model"], "eyes");
    EXPECT_EQ(asked["stream"], false);
    EXPECT_EQ(asked["max_tokens"], 1000) << "no more than it can write";
    EXPECT_EQ(asked["temperature"], 0.2);
    const auto& messages = asked["messages"];
    ASSERT_EQ(messages.size(), 2u) << messages;
    EXPECT_EQ(messages[0]["role"], "system");
    EXPECT_NE(messages[0]["content"].get<std::string>().find("word for word"), std::string::npos);
    EXPECT_EQ(messages[1]["role"], "user");
    const auto& parts = messages[1]["content"];
    ASSERT_EQ(parts.size(), 4u) << parts;
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(parts[static_cast<std::size_t>(i)], image_part(numbered(i + 2)));
    }
    const auto text = parts[3]["text"].get<std::string>();
    EXPECT_NE(text.find("a \"chart\"?"), std::string::npos) << text;
    EXPECT_EQ(text.find("older"), std::string::npos);
}

TEST(image_description, the_operators_words_and_numbers_are_taken) {
    const talk t(json::array({user_parts({image_part()})}));
    config::vision_route vision;
    vision.describe_prompt = " Say \"what\" it is. ";
    vision.describe_max_tokens = 70;
    vision.describe_temperature = 1;

    const auto asked = question(t.request, 0, vision);

    EXPECT_EQ(asked["messages"][0]["content"], "Say \"what\" it is.");
    EXPECT_EQ(asked["max_tokens"], 70);
    EXPECT_EQ(asked["temperature"], 1);
    EXPECT_EQ(asked["messages"][1]["content"].size(), 2u);
    vision.describe_prompt = " \n ";
    EXPECT_NE(question(t.request, 0, vision)["messages"][0]["content"], "");
}

TEST(image_description, without_a_cap_all_images_are_described) {
    const talk t(json::array({user_parts({image_part(), image_part(), image_part()})}));
    EXPECT_EQ(select_images(t.request, 0).described_count(), 3u);
    EXPECT_EQ(select_images(t.request, -1).described_count(), 3u);
    EXPECT_EQ(select_images(t.request, 9).described_count(), 3u);
    EXPECT_EQ(select_images(t.request, 2).described_count(), 2u);
}

TEST(image_description, the_newest_image_message_gets_the_description) {
    const talk t(json::array(
        {says("system", "s"),
         user_parts({text_part("what is \"it\"?"), image_part(), text_part("tell")}),
         says("user", "well?")}
    ));
    const auto messages = described(t, 4, "a \"cat\"\non a mat");
    EXPECT_EQ(messages[0], says("system", "s"));
    EXPECT_EQ(messages[2], says("user", "well?"));
    const auto text = messages[1]["content"].get<std::string>();
    EXPECT_EQ(text.find("what is \"it\"?\ntell\n\n["), 0u) << text;
    EXPECT_NE(text.find("a \"cat\"\non a mat]"), std::string::npos) << text;
}

TEST(image_description, older_images_are_told_from_those_that_nobody_described) {
    const talk t(json::array(
        {user_parts({image_part(numbered(1))}),
         says("assistant", "one"),
         user_parts({image_part(numbered(2)), image_part(numbered(3)), text_part("these")}),
         says("assistant", "two"),
         user_parts({image_part(numbered(4)), text_part("and this?")})}
    ));
    const auto messages = described(t, 2);
    EXPECT_EQ(messages[0]["content"], "[Here stood 1 image, not described.]");
    const auto middle = messages[2]["content"].get<std::string>();
    EXPECT_NE(middle.find("Here stood 1 image; described in a later message"), std::string::npos);
    EXPECT_NE(middle.find("Here stood 1 more image, not described"), std::string::npos) << middle;
    const auto newest = messages[4]["content"].get<std::string>();
    EXPECT_NE(newest.find("the newest 2 images"), std::string::npos) << newest;
    EXPECT_NE(newest.find("a cat"), std::string::npos);
}

TEST(image_description, images_of_the_newest_message_beyond_the_cap_are_owned_up_to) {
    const talk t(json::array({user_parts({image_part(), image_part(), image_part()})}));
    const auto text = described(t, 1)[0]["content"].get<std::string>();
    EXPECT_NE(text.find("a cat"), std::string::npos);
    EXPECT_NE(text.find("Here stood 2 more images, not described"), std::string::npos) << text;
}

TEST(image_description, other_media_of_the_message_stay) {
    const talk t(
        json::array({user_parts({text_part("see"), image_part(), video_part(), image_part()})})
    );
    const auto parts = described(t, 4)[0]["content"];
    ASSERT_EQ(parts.size(), 4u);
    EXPECT_EQ(parts[0], text_part("see"));
    EXPECT_NE(parts[1]["text"].get<std::string>().find("a cat"), std::string::npos);
    EXPECT_EQ(parts[2], video_part());
    EXPECT_EQ(parts[3]["type"], "text");
}

}  // namespace
}  // namespace meta_model::dispatch
