/** Words of what stands around every page. */
export const frameWords = {
  en: {
    'nav.menu': 'Menu',
    'nav.gateway': 'Gateway',
    'keys.title': 'Keys',
    'keys.on': 'Use keys',
    'keys.on.hint':
      'They never act while you type. Switch them off if you speak to your computer, or press keys by chance.',
    'keys.search': 'Search on this page',
    'keys.create': 'Create what the page lists',
    'keys.help': 'This list',
  },
  zh: {
    'nav.menu': '菜单',
    'nav.gateway': '网关',
    'keys.title': '快捷键',
    'keys.on': '使用快捷键',
    'keys.on.hint': '输入文字时不起作用。如果使用语音输入，或容易误按，可以关闭。',
    'keys.search': '在本页搜索',
    'keys.create': '创建本页所列的内容',
    'keys.help': '显示此列表',
  },
} as const;
