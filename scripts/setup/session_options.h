/*
 * Included into tfjs-node's addon, which has no way to set the options of a session. Here a SavedModel sets them by its tags,
 * which lib/tensorflow/graph.ts writes:
 *
 * - "run-as-described": the session does not optimize the graph when it is run for new inputs or results.
 * - "one-thread-per-operation": an operation runs in one thread.
 */
#pragma once

#include <cstdlib>
#include <cstring>
#include <string>

#include "tensorflow/c/c_api.h"

// By default, all sessions of a process use the threads of the first one, whatever their options say.
static const int kOwnThreads = setenv("TF_OVERRIDE_GLOBAL_THREADPOOL", "1", 0);

// Messages of the type tensorflow.ConfigProto, in bytes; one after another, they are a message with all their fields.
// graph_options (10) of 5 bytes with rewrite_options (10) of 3 bytes, where disable_meta_optimizer (19) is true
static const std::string kRunAsDescribed = "\x52\x05\x52\x03\x98\x01\x01";
// intra_op_parallelism_threads (2) is 1
static const std::string kOneThreadPerOperation = "\x10\x01";

inline TF_Session* LoadSession(TF_SessionOptions* options, const TF_Buffer* run_options, const char* folder,
                               const char* const* tags, int tags_len, TF_Graph* graph, TF_Buffer* meta_graph,
                               TF_Status* status) {
  std::string config;
  for (int i = 0; i < tags_len; i++) {
    if (strcmp(tags[i], "run-as-described") == 0) config += kRunAsDescribed;
    if (strcmp(tags[i], "one-thread-per-operation") == 0) config += kOneThreadPerOperation;
  }
  TF_SetConfig(options, config.data(), config.size(), status);
  return TF_LoadSessionFromSavedModel(options, run_options, folder, tags, tags_len, graph, meta_graph, status);
}

#define TF_LoadSessionFromSavedModel LoadSession
