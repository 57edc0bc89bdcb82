// Prints one JSON line for each message of a Nightshift stream. Built by the Makefile beside it.
// Usage: subscriber [ADDRESS [TOPIC [COUNT [FOLDER [KEY SERVER]]]]]
// Masks are saved as bytes in FOLDER, if given. Where the publisher asks for keys: KEY is the own pair of `nightshift keys create`, SERVER the server's .pub file.
#include <google/protobuf/util/json_util.h>
#include <zlib.h>

#include <fstream>
#include <iostream>
#include <zmq.hpp>

#include "nightshift.pb.h"

using namespace nightshift::v1;

// The height * width bytes of a plane.
static std::string pixels(const Plane& plane) {
  if (plane.encoding() == ENCODING_RAW) return plane.data();
  uLongf size = static_cast<uLongf>(plane.width()) * plane.height();
  std::string out(size, '\0');
  const auto* in = reinterpret_cast<const Bytef*>(plane.data().data());
  if (uncompress(reinterpret_cast<Bytef*>(out.data()), &size, in, plane.data().size()) != Z_OK || size != out.size())
    throw std::runtime_error("a mask that does not unpack");
  return out;
}

template <class Message>
static Message parse(const std::string& body) {
  Message message;
  if (!message.ParseFromString(body)) throw std::runtime_error("a message of another schema");
  return message;
}

static std::string json(const google::protobuf::Message& message) {
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(message, &text).ok()) throw std::runtime_error("no JSON for this message");
  return text;
}

// A key of a CURVE certificate: what stands between quotation marks behind its name.
static std::string key(const std::string& path, const std::string& name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);)
    if (line.find(name) != std::string::npos) return line.substr(line.find('"') + 1, 40);
  throw std::runtime_error("no " + name + " in " + path);
}

int main(int argc, char** argv) {
  const auto argument = [&](int i, const char* otherwise) { return std::string(argc > i ? argv[i] : otherwise); };
  zmq::context_t context;
  zmq::socket_t socket(context, zmq::socket_type::sub);
  if (argc > 7 || argc == 6) {
    std::cerr << "Usage: subscriber [ADDRESS [TOPIC [COUNT [FOLDER [KEY SERVER]]]]]; KEY and SERVER go together\n";
    return 2;
  }
  if (argc > 6) {
    socket.set(zmq::sockopt::curve_publickey, key(argv[5], "public-key"));
    socket.set(zmq::sockopt::curve_secretkey, key(argv[5], "secret-key"));
    socket.set(zmq::sockopt::curve_serverkey, key(argv[6], "public-key"));
  }
  // Seconds: who only listens never learns by itself that the vehicle lost its power. The system asks, and the socket connects anew where nobody answers.
  socket.set(zmq::sockopt::tcp_keepalive, 1);
  socket.set(zmq::sockopt::tcp_keepalive_idle, 5);
  socket.set(zmq::sockopt::tcp_keepalive_intvl, 2);
  socket.set(zmq::sockopt::tcp_keepalive_cnt, 3);
  socket.set(zmq::sockopt::subscribe, argument(2, ""));
  socket.connect(argument(1, "tcp://127.0.0.1:5590"));
  zmq::message_t part;
  for (long left = std::stol(argument(3, "0")); socket.recv(part); left--) {
    const std::string text = part.to_string(), topic = text.substr(0, text.find('\0')), body = text.substr(topic.size() + 1);
    std::cout << "{\"topic\":\"" << topic << "\",";
    if (topic.rfind("mask/", 0) == 0) {
      const auto message = parse<Mask>(body);
      const auto mask = pixels(message.categories());
      const auto name = message.header().camera() + "-" + std::to_string(message.header().sequence()) + ".mask";
      std::cout << "\"crc32\":" << crc32(0, reinterpret_cast<const Bytef*>(mask.data()), mask.size()) << ",\"header\":" << json(message.header());
      if (argc > 4 && *argv[4] && !(std::ofstream(argument(4, "") + "/" + name, std::ios::binary) << mask).flush()) throw std::runtime_error("cannot write " + name + " in " + argument(4, ""));
    } else if (topic != "events" && topic.rfind("depth/", 0) != 0 && topic.rfind("boxes/", 0) != 0) {
      // One that came to Nightshift after this was built.
      std::cout << "\"bytes\":" << body.size();
    } else {
      std::cout << "\"message\":" << (topic == "events" ? json(parse<Event>(body)) : topic.rfind("depth/", 0) == 0 ? json(parse<Depth>(body)) : json(parse<Boxes>(body)));
    }
    std::cout << "}" << std::endl;
    if (left == 1) break;
  }
}
