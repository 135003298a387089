/** Words of explanations of what was decided, and of what becomes of them. */
export const explainWords = {
  en: {
    'explain.then': 'Then',
    'explain.now': 'Now',
    'explain.changes': 'Changed since',
    'explain.unchanged': 'Nothing that it rests on has changed since.',
    'explain.altered': 'The path is not kept as it came, so what would be decided now cannot be said.',
    'explain.newToken': 'Make a token that passes',
    'explain.test': 'As a test case',
    'explain.test.hint':
      'A file for scopegate test, beside gateway.yaml, named such as refused.test.yaml: it holds for as long as this is so.',
    'explain.test.none': 'What this rests on cannot be said in a file of tests.',
    'explain.test.noQuery':
      'The query of a request is not kept, and this one named something in it: explain the request with its whole address.',
  },
  zh: {
    'explain.then': '当时',
    'explain.now': '现在',
    'explain.changes': '此后的变化',
    'explain.unchanged': '所依据的内容此后没有变化。',
    'explain.altered': '路径未按原样保留，因此无法判断现在的结果。',
    'explain.newToken': '创建一个能通过的令牌',
    'explain.test': '作为测试用例',
    'explain.test.hint':
      '放在 gateway.yaml 旁、以 .test.yaml 结尾的文件，供 scopegate test 使用：只要情况不变，它就会通过。',
    'explain.test.none': '其依据无法用测试文件表达。',
    'explain.test.noQuery': '请求的查询部分不会保留，而此请求在其中指明了内容：请用完整地址解释该请求。',
  },
} as const;
