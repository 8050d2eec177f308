/*
 * Included into tfjs-node's addon, which has no way to set the options of a session: a SavedModel with the tag
 * "one-thread-per-operation" (lib/tensorflow/graph.ts) gets a session in which an operation runs in one thread.
 */
#pragma once

#include <cstdlib>
#include <cstring>

#include "tensorflow/c/c_api.h"

// By default, all sessions of a process use the threads of the first one, whatever their options say.
static const int kOwnThreads = setenv("TF_OVERRIDE_GLOBAL_THREADPOOL", "1", 0);

inline TF_Session* LoadSession(TF_SessionOptions* options, const TF_Buffer* run_options, const char* folder,
                               const char* const* tags, int tags_len, TF_Graph* graph, TF_Buffer* meta_graph,
                               TF_Status* status) {
  for (int i = 0; i < tags_len; i++) {
    if (strcmp(tags[i], "one-thread-per-operation") == 0) {
      // A message of the type tensorflow.ConfigProto: its field 2, intra_op_parallelism_threads, is the number 1.
      const char config[] = {2 << 3, 1};
      TF_SetConfig(options, config, sizeof config, status);
    }
  }
  return TF_LoadSessionFromSavedModel(options, run_options, folder, tags, tags_len, graph, meta_graph, status);
}

#define TF_LoadSessionFromSavedModel LoadSession
