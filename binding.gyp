# The door that node-gyp and prebuildify come through. What is built, and how,
# is in native/CMakeLists.txt.
{
  "targets": [
    {
      "target_name": "headgate",
      "type": "none",
      "actions": [
        {
          "action_name": "cmake",
          "inputs": [],
          "outputs": ["<(PRODUCT_DIR)/headgate.node"],
          "action": ["node", "native/build.mjs", "--out", "<(PRODUCT_DIR)"]
        }
      ]
    }
  ]
}
